// The sample of docs/svix.md.
import { useMemo } from "react";
import { SvixProvider, useEndpoints } from "svix-react";

export function Webhooks({ serverUrl, token, appId }) {
  const options = useMemo(() => ({ serverUrl }), [serverUrl]);
  return (
    <SvixProvider token={token} appId={appId} options={options}>
      <Endpoints />
    </SvixProvider>
  );
}

function Endpoints() {
  const { data } = useEndpoints();
  return <ul>{data?.map((endpoint) => <li key={endpoint.id}>{endpoint.url}</li>)}</ul>;
}
