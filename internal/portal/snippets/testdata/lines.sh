. "$1"
while IFS='|' read -r id time signatures body; do
	if verify "$id" "$time" "$signatures" < <(printf %s "$body" | base64 -d); then echo true; else echo false; fi
done
