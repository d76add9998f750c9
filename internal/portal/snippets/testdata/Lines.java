import java.io.*;
import java.util.Base64;

public class Lines {
    public static void main(String[] args) throws IOException {
        Webhooks webhooks = new Webhooks(System.getenv("WEBHOOK_SECRET"));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] f = line.split("\t", -1);
            System.out.println(webhooks.verify(f[0], f[1], f[2], Base64.getDecoder().decode(f[3])));
        }
    }
}
