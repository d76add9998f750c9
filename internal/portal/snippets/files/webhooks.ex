# In Phoenix: keep the raw body with a :body_reader of Plug.Parsers, and read webhook-id, webhook-timestamp and webhook-signature
# with get_req_header. Answer send_resp(conn, 204, "") at once, and do the work in a task.
defmodule Webhooks do
  import Bitwise

  @doc "Whether the request was signed with the secret, not more than five minutes ago."
  def verify(secret, id, timestamp, signatures, body) do
    with true <- id != "",
         {at, ""} <- Integer.parse(timestamp),
         true <- abs(System.os_time(:second) - at) <= 300,
         {:ok, key} <- Base.decode64(String.replace_prefix(secret, "whsec_", "")) do
      digest = :crypto.mac(:hmac, :sha256, key, [id, ".", timestamp, ".", body])
      expected = "v1," <> Base.encode64(digest)
      signatures |> String.split(" ") |> Enum.any?(&same?(&1, expected))
    else
      _ -> false
    end
  end

  # in constant time
  defp same?(a, b) when byte_size(a) == byte_size(b) do
    Enum.zip(:binary.bin_to_list(a), :binary.bin_to_list(b))
    |> Enum.reduce(0, fn {x, y}, acc -> acc ||| bxor(x, y) end)
    |> Kernel.==(0)
  end

  defp same?(_, _), do: false
end
