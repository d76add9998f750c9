# A webhook handler in Ruby, which checks the signature over the bytes of the body. GUIDE says from which of the published guides.
require "json"
require "openssl"
require "socket"

SECRET = ENV.fetch("WEBHOOK_SECRET")
GUIDE = ENV.fetch("GUIDE")
TOLERANCE = 300

def verify_signature(header, body)
  parts = header.to_s.split(",").to_h { |part| part.split("=", 2) }
  return false if (Time.now.to_i - parts["t"].to_i).abs > TOLERANCE

  timed = "#{parts["t"]}.".b + body
  signature, signed =
    if GUIDE == "older" then [parts["v1"], timed]
    elsif parts["v2"] then [parts["v2"], timed]
    else [parts["v1"], body]
    end
  expected = OpenSSL::HMAC.hexdigest("SHA256", SECRET, signed)
  OpenSSL.secure_compare(expected, signature.to_s)
end

def process_event(event)
  puts "accepted #{event["type"]} #{event["id"]}"
end

def serve(client)
  headers = {}
  client.gets
  while (line = client.gets.chomp) != ""
    name, value = line.split(": ", 2)
    headers[name.downcase] = value
  end
  raw_body = client.read(headers["content-length"].to_i)
  if verify_signature(headers["x-zavu-signature"], raw_body)
    event = JSON.parse(raw_body)
    Thread.new { process_event(event) }
    status, text = "200 OK", "OK"
  else
    status, text = "401 Unauthorized", "Invalid signature"
  end
  client.write "HTTP/1.1 #{status}\r\nContent-Length: #{text.length}\r\nConnection: close\r\n\r\n#{text}"
ensure
  client.close
end

$stdout.sync = true
server = TCPServer.new("127.0.0.1", ENV.fetch("PORT").to_i)
loop { Thread.new(server.accept) { |client| serve(client) } }
