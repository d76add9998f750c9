fun main() {
    val webhooks = Webhooks(System.getenv("WEBHOOK_SECRET"))
    while (true) {
        val f = (readLine() ?: break).split("\t")
        println(webhooks.verify(f[0], f[1], f[2], java.util.Base64.getDecoder().decode(f[3])))
    }
}
