# verify ID TIMESTAMP SIGNATURES <BODY succeeds for a request that was signed with $WEBHOOK_SECRET not more than five minutes ago.
# The arguments are the headers webhook-id, webhook-timestamp and webhook-signature.
verify() {
	local id=$1 time=$2 key expected given
	[[ $id && $time =~ ^[1-9][0-9]{0,11}$ ]] || return 1
	((time > $(date +%s) - 300 && time < $(date +%s) + 300)) || return 1
	key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
	expected=v1,$({ printf '%s.%s.' "$id" "$time" && cat; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
	for given in $3; do
		[[ $given == "$expected" ]] && return 0
	done
	return 1
}
