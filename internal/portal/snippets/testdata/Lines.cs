using System;

public static class Lines
{
    public static void Main()
    {
        var webhooks = new Webhooks(Environment.GetEnvironmentVariable("WEBHOOK_SECRET"));
        for (string line; (line = Console.ReadLine()) != null;)
        {
            var f = line.Split('\t');
            Console.WriteLine(webhooks.Verify(f[0], f[1], f[2], Convert.FromBase64String(f[3])) ? "true" : "false");
        }
    }
}
