# Serves a Rack application, for where Rack is not installed: ruby rack.rb FILE
require "socket"
require "stringio"
require File.expand_path(ARGV[0])

server = TCPServer.new("127.0.0.1", ENV.fetch("PORT").to_i)
loop do
  Thread.new(server.accept) do |client|
    line = client.gets
    next client.close unless line
    env = { "REQUEST_METHOD" => line.split[0] }
    while (line = client.gets.to_s.chomp) != ""
      name, value = line.split(":", 2)
      env["HTTP_#{name.upcase.tr("-", "_")}"] = value.strip
    end
    env["rack.input"] = StringIO.new(client.read(env["HTTP_CONTENT_LENGTH"].to_i).to_s)
    status, = Webhooks.call(env)
    client.write "HTTP/1.1 #{status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    client.close
  end
end
