// Asks Twilio's library about each request of a file and prints its verdicts as a JSON list: node twilio.mjs FILE
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The part of the package that checks requests; the whole of it takes seconds to load.
const { validateRequest, validateRequestWithBody } = createRequire(import.meta.url)("twilio/lib/webhooks/webhooks.js");

const requests = JSON.parse(readFileSync(process.argv[2], "utf8"));
const verdicts = requests.map(({ url, token, signature, parameters, body }) => {
  if (body !== null) {
    return validateRequestWithBody(token, signature, url, body);
  }
  const form = {};
  for (const [name, values] of Object.entries(parameters)) {
    form[name] = values.length === 1 ? values[0] : values;
  }
  return validateRequest(token, signature, url, form);
});
console.log(JSON.stringify(verdicts));
