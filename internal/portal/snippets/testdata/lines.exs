secret = System.fetch_env!("WEBHOOK_SECRET")

for line <- IO.stream(:stdio, :line) do
  [id, time, signatures, body] = line |> String.trim_trailing("\n") |> String.split("\t")
  IO.puts(Webhooks.verify(secret, id, time, signatures, Base.decode64!(body)))
end
