mod webhooks;

use base64::{engine::general_purpose::STANDARD, Engine};

fn main() {
    let secret = std::env::var("WEBHOOK_SECRET").unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let f: Vec<&str> = line.split('\t').collect();
        println!("{}", webhooks::verify(&secret, f[0], f[1], f[2], &STANDARD.decode(f[3]).unwrap()));
    }
}
