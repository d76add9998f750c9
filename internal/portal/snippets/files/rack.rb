# A Rack application. In Rails: mount Webhooks => "/webhooks" in config/routes.rb.
require "openssl"
require "base64"
require "json"

class Webhooks
  KEY = Base64.strict_decode64(ENV.fetch("WEBHOOK_SECRET").delete_prefix("whsec_"))

  def self.verify(env, body)
    id, time = env["HTTP_WEBHOOK_ID"].to_s, env["HTTP_WEBHOOK_TIMESTAMP"].to_s
    return false if id.empty? || !time.match?(/\A\d+\z/) || (Time.now.to_i - time.to_i).abs > 300

    digest = OpenSSL::HMAC.digest("SHA256", KEY, "#{id}.#{time}.".b + body)
    expected = "v1,#{Base64.strict_encode64(digest)}"
    env["HTTP_WEBHOOK_SIGNATURE"].to_s.split(" ").any? do |given|
      given.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(given, expected)
    end
  end

  def self.call(env)
    body = env["rack.input"].read.to_s.b # the bytes as they arrived, not params
    return [400, {}, []] unless verify(env, body)

    event = JSON.parse(body)
    puts "#{env["HTTP_WEBHOOK_ID"]} #{event["type"]}" # hand it to a job, and answer at once
    [204, {}, []]
  end
end
