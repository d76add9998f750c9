import com.fasterxml.jackson.databind.JsonNode;
import com.svix.Svix;
import com.svix.SvixOptions;
import com.svix.api.*;
import com.svix.models.*;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Drives a server through the official Svix client for Java. SERVER_URL, SERVER_TOKEN and RECEIVER_URL say where the server is, how to get in, and where
 * requests may be sent.
 */
final class Suite extends Harness {
    private static final Duration HOUR = Duration.ofHours(1);

    public static void main(String[] args) {
        checks.put("applications", Suite::applications);
        checks.put("endpoints", Suite::endpoints);
        checks.put("recovery and background tasks", Suite::recovery);
        checks.put("event types", Suite::eventTypes);
        checks.put("messages", Suite::messages);
        checks.put("attempts", Suite::attempts);
        checks.put("authentication", Suite::authentication);
        checks.put("operational webhooks", Suite::operational);
        checks.put("integrations", Suite::integrations);
        checks.put("statistics", Suite::statistics);
        checks.put("poller", Suite::poller);
        checks.put("errors", Suite::errors);
        checks.put("the sample of the documentation", Suite::documentation);
        runAll();
        System.exit(0); // the client's pool would keep the program
    }

    private static void applications() throws Exception {
        String uid = RUN + "-one";
        ApplicationOut one = svix.getApplication().create(new ApplicationIn().name("one").uid(uid).throttleRate(7L).metadata(Map.of("a", "b")));
        same(one.getThrottleRate(), 7L);
        same(svix.getApplication().get(uid), one);
        same(svix.getApplication().getOrCreate(new ApplicationIn().name("x").uid(uid)).getId(), one.getId());
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.add(newApp());
        }
        same(walk(made, (limit, iterator) -> {
            ApplicationListOptions options = new ApplicationListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseApplicationOut page = svix.getApplication().list(options);
            return new Page(keys(page.getData(), ApplicationOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), made);
        ApplicationOut patched = svix.getApplication().patch(one.getId(), new ApplicationPatch().name("patched"));
        same(patched.getMetadata(), Map.of("a", "b"));
        ApplicationOut replaced = svix.getApplication().update(one.getId(), new ApplicationIn().name("replaced"));
        same(replaced.getUid(), null);
        svix.getApplication().delete(one.getId());
        fails(404, "not_found", () -> svix.getApplication().get(one.getId()));
    }

    private static void endpoints() throws Exception {
        String app = newApp(), paid = newType("endpoint.paid"), path = path("endpoints");
        String secret = "whsec_" + Base64.getEncoder().encodeToString(new byte[32]);
        String fresh = "whsec_" + Base64.getEncoder().encodeToString("0123456789abcdef01234567".getBytes());
        EndpointOut ep = svix.getEndpoint().create(app, new EndpointIn().url(url(path)).uid("main").filterTypes(Set.of(paid)).channels(Set.of("eu"))
                .rateLimit(100L).secret(secret).headers(Map.of("X-Team", "a")));
        same(List.of(ep.getFilterTypes(), ep.getChannels()), List.of(Set.of(paid), Set.of("eu")));
        same(List.of(ep.getVersion().longValue(), ep.getRateLimit().longValue()), List.of(1L, 100L));
        same(svix.getEndpoint().get(app, "main"), ep);
        same(svix.getEndpoint().getSecret(app, ep.getId()).getKey(), secret);
        svix.getEndpoint().rotateSecret(app, ep.getId(), new EndpointSecretRotateIn().key(fresh));
        same(svix.getEndpoint().getSecret(app, ep.getId()).getKey(), fresh);
        String message = svix.getMessage().create(app, new MessageIn().eventType(paid).payload("{\"n\": 1}").channels(Set.of("eu"))).getId();
        Request got = arrived(path, 1).get(0);
        same(List.of(got.headers().get("svix-id"), got.headers().get("x-team"), got.body()), List.of(message, "a", "{\"n\": 1}"));
        got.proven(secret);
        got.proven(fresh);
        svix.getEndpoint().updateHeaders(app, ep.getId(), new EndpointHeadersIn().headers(Map.of("X-One", "1", "Authorization", "Basic abc")));
        svix.getEndpoint().patchHeaders(app, ep.getId(), new EndpointHeadersPatchIn().headers(Map.of("X-Two", "2")).deleteHeaders(List.of("X-One")));
        EndpointHeadersOut headers = svix.getEndpoint().getHeaders(app, ep.getId());
        same(headers.getHeaders(), Map.of("X-Two", "2"));
        same(headers.getSensitive().size(), 1);
        attempted(app, message, 1);
        until("the attempt is counted", () -> svix.getEndpoint().getStats(app, ep.getId()).getSuccess() == 1);
        taken(path, svix.getEndpoint().sendExample(app, ep.getId(), new EventExampleIn().eventType("svix.ping")).getId());
        EndpointOut patched = svix.getEndpoint().patch(app, ep.getId(), new EndpointPatch().disabled(true));
        same(List.of(patched.getDisabled(), patched.getUid()), List.of(true, "main"));
        EndpointOut replaced = svix.getEndpoint().update(app, ep.getId(), new EndpointUpdate().url(url(path)));
        same(replaced.getUid(), null);
        same(replaced.getDisabled(), false);
        String other = newApp();
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            made.add(newEndpoint(other, path));
        }
        same(walk(null, (limit, iterator) -> {
            EndpointListOptions options = new EndpointListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            options.setOrder(Ordering.ASCENDING);
            ListResponseEndpointOut page = svix.getEndpoint().list(other, options);
            return new Page(keys(page.getData(), EndpointOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), made);
        svix.getEndpoint().delete(app, ep.getId());
        fails(404, "not_found", () -> svix.getEndpoint().get(app, ep.getId()));
    }

    private static void recovery() throws Exception {
        OffsetDateTime began = ago(Duration.ofSeconds(1));
        String app = newApp(), paid = newType("recovery.paid"), sent = newType("recovery.sent"), path = path("recovery");
        String ep = newEndpoint(app, "/status/500" + path);
        String failed = send(app, paid);
        until("it has failed", () ->
                svix.getMessageAttempt().listAttemptedDestinations(app, failed).getData().get(0).getStatusText() == MessageStatusText.FAIL);
        svix.getEndpoint().patch(app, ep, new EndpointPatch().url(url(path)));
        RecoverOut recover = svix.getEndpoint().recover(app, ep, new RecoverIn().since(began));
        taken(path, failed);
        finished(recover.getId(), BackgroundTaskType.ENDPOINT_RECOVER);
        svix.getEndpoint().patch(app, ep, new EndpointPatch().disabled(true));
        String missed = send(app, sent);
        svix.getEndpoint().patch(app, ep, new EndpointPatch().disabled(false));
        ReplayOut replay = svix.getEndpoint().replayMissing(app, ep, new ReplayIn().since(began));
        taken(path, missed);
        finished(replay.getId(), BackgroundTaskType.ENDPOINT_REPLAY);
        svix.getEndpoint().patch(app, ep, new EndpointPatch().url(url(path + "/bulk")));
        ReplayOut bulk = svix.getEndpoint().bulkReplay(app, ep, new BulkReplayIn().since(began).eventTypes(Set.of(paid)));
        taken(path + "/bulk", failed);
        finished(bulk.getId(), BackgroundTaskType.ENDPOINT_BULK_REPLAY);
        List<String> tasks = List.of(recover.getId(), replay.getId(), bulk.getId());
        same(walk(tasks, (limit, iterator) -> {
            BackgroundTaskListOptions options = new BackgroundTaskListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            options.setOrder(Ordering.ASCENDING);
            ListResponseBackgroundTaskOut page = svix.getBackgroundTask().list(options);
            return new Page(keys(page.getData(), BackgroundTaskOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), tasks);
    }

    private static void eventTypes() throws Exception {
        String name = RUN + ".types.one";
        Map<String, Object> schemas = Map.of("1", Map.of("type", "object"));
        EventTypeOut one = svix.getEventType().create(new EventTypeIn().name(name).description("one").schemas(schemas).featureFlags(Set.of("beta")).groupName("g"));
        same(List.of(one.getDeprecated(), one.getFeatureFlags(), one.getGroupName(), one.getSchemas()), List.of(false, Set.of("beta"), "g", schemas));
        fails(409, "event_type_exists", () -> svix.getEventType().create(new EventTypeIn().name(name).description("again")));
        List<String> names = new ArrayList<>(List.of(name));
        for (String last : List.of("three", "two", "zero")) {
            names.add(newType("types." + last));
        }
        same(walk(names, (limit, iterator) -> {
            EventTypeListOptions options = new EventTypeListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseEventTypeOut page = svix.getEventType().list(options);
            return new Page(keys(page.getData(), EventTypeOut::getName), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), names);
        same(svix.getEventType().patch(name, new EventTypePatch().deprecated(true)).getDeprecated(), true);
        same(svix.getEventType().update(name, new EventTypeUpdate().description("replaced")).getSchemas(), null);
        svix.getEventType().delete(name);
        same(svix.getEventType().get(name).getArchived(), true);
        EventTypeDeleteOptions expunge = new EventTypeDeleteOptions();
        expunge.setExpunge(true);
        svix.getEventType().delete(name, expunge);
        fails(404, "not_found", () -> svix.getEventType().get(name));
        String own = RUN + ".types.imported";
        Map<String, Object> body = Map.of("content", Map.of("application/json", Map.of("schema", Map.of("type", "object"))));
        Map<String, Object> operation = Map.of("operationId", own, "description", "imported", "requestBody", body, "responses", Map.of("200", Map.of("description", "taken")));
        Map<String, Object> spec = Map.of("openapi", "3.1.0", "info", Map.of("title", "t", "version", "1"), "webhooks", Map.of(own, Map.of("post", operation)));
        EventTypeImportOpenApiIn in = new EventTypeImportOpenApiIn().spec(spec);
        same(svix.getEventType().importOpenapi(in.dryRun(true)).getData().getToModify().get(0).getName(), own);
        same(svix.getEventType().importOpenapi(in.dryRun(false)).getData().getModified(), List.of(own));
    }

    private static void messages() throws Exception {
        String app = newApp(), paid = newType("message.paid"), sent = newType("message.sent"), path = path("messages");
        String ep = newEndpoint(app, path), secret = svix.getEndpoint().getSecret(app, ep).getKey();
        MessageIn in = new MessageIn().eventType(paid).eventId("first").payload("{\"text\":\"héllo\"}").channels(Set.of("eu")).tags(Set.of("t")).payloadRetentionPeriod(30L);
        MessageCreateOptions once = new MessageCreateOptions();
        once.setIdempotencyKey(RUN);
        MessageOut one = svix.getMessage().create(app, in, once);
        same(List.of(one.getEventId(), one.getChannels(), one.getTags()), List.of("first", Set.of("eu"), Set.of("t")));
        same(svix.getMessage().create(app, in, once).getId(), one.getId());
        Request got = arrived(path, 1).get(0);
        same(got.headers().get("webhook-id"), one.getId());
        got.proven(secret);
        fails(409, "conflict", () -> svix.getMessage().create(app, in));
        MessageGetOptions content = new MessageGetOptions();
        content.setWithContent(true);
        same(svix.getMessage().get(app, "first", content).getPayload(), Map.of("text", "héllo"));
        List<String> every = new ArrayList<>(List.of(one.getId()));
        for (int i = 0; i < 4; i++) {
            every.add(0, send(app, sent));
        }
        same(walk(null, (limit, iterator) -> {
            MessageListOptions options = new MessageListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseMessageOut page = svix.getMessage().list(app, options);
            return new Page(keys(page.getData(), MessageOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), every);
        MessageListOptions filter = new MessageListOptions();
        filter.setEventTypes(Set.of(sent));
        filter.setAfter(ago(HOUR));
        same(svix.getMessage().list(app, filter).getData().size(), 4);
        filter = new MessageListOptions();
        filter.setChannel("eu");
        filter.setTag("t");
        same(svix.getMessage().list(app, filter).getData().size(), 1);
        String raw = svix.getEndpoint().create(app, new EndpointIn().url(url(path + "/raw")).channels(Set.of("raw"))).getId();
        svix.getMessage().create(app, Message.messageInRaw("<a/>", "text/xml").eventType(paid).channels(Set.of("raw")));
        got = arrived(path + "/raw", 1).get(0);
        same(got.body(), "<a/>");
        got.proven(svix.getEndpoint().getSecret(app, raw).getKey());
        // There is no message for later: the client leaves deliverAt out of what it sends.
        same(svix.getMessage().precheck(app, new MessagePrecheckIn().eventType(paid)).getActive(), true);
        attempted(app, one.getId(), 1);
        svix.getMessage().expungeContent(app, one.getId());
        same(svix.getMessage().get(app, one.getId(), content).getPayload(), Map.of("expired", true));
        neverSent(() -> svix.getMessage().expungeAllContents(app));
    }

    private static void attempts() throws Exception {
        String app = newApp(), paid = newType("attempt.paid"), path = path("attempts");
        String good = newEndpoint(app, path), bad = newEndpoint(app, "/status/500" + path);
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            sent.add(0, send(app, paid));
        }
        for (String id : sent) {
            attempted(app, id, 5);
        }
        same(walk(null, (limit, iterator) -> {
            MessageAttemptListByEndpointOptions options = new MessageAttemptListByEndpointOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            options.setStatus(MessageStatus.FAIL);
            ListResponseMessageAttemptOut page = svix.getMessageAttempt().listByEndpoint(app, bad, options);
            return new Page(keys(page.getData(), MessageAttemptOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }).size(), 12);
        same(walk(null, (limit, iterator) -> {
            MessageAttemptListByMsgOptions options = new MessageAttemptListByMsgOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseMessageAttemptOut page = svix.getMessageAttempt().listByMsg(app, sent.get(0), options);
            return new Page(keys(page.getData(), MessageAttemptOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }).size(), 5);
        MessageAttemptListByEndpointOptions withMsg = new MessageAttemptListByEndpointOptions();
        withMsg.setWithMsg(true);
        MessageAttemptOut one = svix.getMessageAttempt().listByEndpoint(app, good, withMsg).getData().get(0);
        same(one.getMsg().getId(), one.getMsgId());
        same(List.of(one.getStatus(), one.getResponseStatusCode()), List.of(MessageStatus.SUCCESS, (short) 200));
        same(svix.getMessageAttempt().get(app, one.getMsgId(), one.getId()).getResponse(), "taken");
        same(walk(null, (limit, iterator) -> {
            MessageAttemptListAttemptedMessagesOptions options = new MessageAttemptListAttemptedMessagesOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseEndpointMessageOut page = svix.getMessageAttempt().listAttemptedMessages(app, bad, options);
            return new Page(keys(page.getData(), EndpointMessageOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), sent);
        same(walk(null, (limit, iterator) -> {
            MessageAttemptListAttemptedDestinationsOptions options = new MessageAttemptListAttemptedDestinationsOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            ListResponseMessageEndpointOut page = svix.getMessageAttempt().listAttemptedDestinations(app, sent.get(0), options);
            return new Page(keys(page.getData(), MessageEndpointOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), List.of(good, bad).stream().sorted().toList());
        neverSent(() -> svix.getMessageAttempt().resend(app, sent.get(0), good));
        svix.getMessageAttempt().expungeContent(app, one.getMsgId(), one.getId());
        same(svix.getMessageAttempt().get(app, one.getMsgId(), one.getId()).getResponse(), "EXPUNGED");
    }

    private static Svix access(String app, AppPortalAccessIn in) throws Exception {
        return client(svix.getAuthentication().appPortalAccess(app, in).getToken());
    }

    private static void authentication() throws Exception {
        String app = newApp(), other = newApp(), ep = newEndpoint(app, path("authentication"));
        Svix portal = access(app, new AppPortalAccessIn());
        same(portal.getEndpoint().list(app).getData().get(0).getId(), ep);
        fails(404, "not_found", () -> portal.getEndpoint().list(other));
        fails(403, "insufficient access", () -> portal.getApplication().list());
        neverSent(() -> portal.getAuthentication().logout());
        Svix viewer = access(app, new AppPortalAccessIn().capabilities(Set.of(AppPortalCapability.VIEW_BASE)).sessionId("viewer"));
        fails(403, "insufficient access", () -> viewer.getEndpoint().getSecret(app, ep));
        Svix reader = access(app, new AppPortalAccessIn().readOnly(true).expiry(3600L));
        fails(403, "insufficient access", () -> reader.getEndpoint().patch(app, ep, new EndpointPatch().description("x")));
        svix.getAuthentication().expireAll(app, new ApplicationTokenExpireIn().sessionIds(List.of("viewer")));
        fails(401, "authentication_failed", () -> viewer.getEndpoint().list(app));
        reader.getEndpoint().list(app);
        svix.getAuthentication().expireAll(app, new ApplicationTokenExpireIn());
        fails(401, "authentication_failed", () -> reader.getEndpoint().list(app));
        neverSent(() -> svix.getAuthentication().dashboardAccess(app));
    }

    private static void operational() throws Exception {
        String path = path("operational");
        var own = svix.getOperationalWebhookEndpoint();
        OperationalWebhookEndpointOut ep = own.create(new OperationalWebhookEndpointIn().url(url(path)).filterTypes(Set.of("endpoint.created")));
        String secret = own.getSecret(ep.getId()).getKey(), target = newEndpoint(newApp(), path + "/target");
        until("the endpoint's creation is told", () -> {
            for (Request got : received(path)) {
                JsonNode event = json.readTree(got.body());
                if (event.get("data").get("endpointId").asText().equals(target)) {
                    same(event.get("type").asText(), "endpoint.created");
                    got.proven(secret);
                    return true;
                }
            }
            return false;
        });
        List<String> made = new ArrayList<>(List.of(ep.getId()));
        for (int i = 0; i < 3; i++) {
            made.add(own.create(new OperationalWebhookEndpointIn().url(url(path)).disabled(true)).getId());
        }
        same(walk(made, (limit, iterator) -> {
            OperationalWebhookEndpointListOptions options = new OperationalWebhookEndpointListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            options.setOrder(Ordering.ASCENDING);
            ListResponseOperationalWebhookEndpointOut page = own.list(options);
            return new Page(keys(page.getData(), OperationalWebhookEndpointOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), made);
        own.updateHeaders(ep.getId(), new OperationalWebhookEndpointHeadersIn().headers(Map.of("X-Ours", "1")));
        same(own.getHeaders(ep.getId()).getHeaders(), Map.of("X-Ours", "1"));
        own.rotateSecret(ep.getId(), new OperationalWebhookEndpointSecretIn());
        holds(!own.getSecret(ep.getId()).getKey().equals(secret), "the secret is the old one");
        OperationalWebhookEndpointOut replaced = own.update(ep.getId(), new OperationalWebhookEndpointUpdate().url(ep.getUrl()).disabled(true));
        same(own.get(ep.getId()), replaced);
        for (String id : made) {
            own.delete(id);
        }
        fails(404, "not_found", () -> own.get(ep.getId()));
    }

    private static void integrations() throws Exception {
        String app = newApp();
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            made.add(svix.getIntegration().create(app, new IntegrationIn().name("one")).getId());
        }
        same(walk(null, (limit, iterator) -> {
            IntegrationListOptions options = new IntegrationListOptions();
            options.setLimit(limit);
            options.setIterator(iterator);
            options.setOrder(Ordering.ASCENDING);
            ListResponseIntegrationOut page = svix.getIntegration().list(app, options);
            return new Page(keys(page.getData(), IntegrationOut::getId), page.getDone(), page.getIterator(), page.getPrevIterator());
        }), made);
        String id = made.get(0);
        IntegrationOut renamed = svix.getIntegration().update(app, id, new IntegrationUpdate().name("renamed"));
        same(svix.getIntegration().get(app, id), renamed);
        neverSent(() -> svix.getIntegration().rotateKey(app, id));
        Svix partner = client(svix.getIntegration().getKey(app, id).getKey());
        partner.getEndpoint().list(app);
        svix.getIntegration().delete(app, id);
        fails(401, "authentication_failed", () -> partner.getEndpoint().list(app));
    }

    private static void statistics() throws Exception {
        AppUsageStatsIn in = new AppUsageStatsIn().appIds(Set.of(newApp(), "nobody")).since(ago(HOUR)).until(ago(Duration.ZERO));
        AppUsageStatsOut usage = svix.getStatistics().aggregateAppStats(in);
        same(List.copyOf(usage.getUnresolvedAppIds()), List.of("nobody"));
        finished(usage.getId(), BackgroundTaskType.APPLICATION_STATS);
        neverSent(() -> svix.getStatistics().aggregateEventTypes());
    }

    private static void poller() throws Exception {
        String app = newApp(), kind = newType("poller.kind");
        var poller = svix.getMessage().getPoller();
        PollingEndpointOut first = poller.poll(app, "sink");
        same(first.getData(), List.of());
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            sent.add(send(app, kind));
        }
        List<String> got = new ArrayList<>();
        MessagePollerPollOptions options = new MessagePollerPollOptions();
        options.setIterator(first.getIterator());
        options.setLimit(2L);
        until("all are polled", () -> {
            PollingEndpointOut page = poller.poll(app, "sink", options);
            options.setIterator(page.getIterator());
            got.addAll(keys(page.getData(), PollingEndpointMessageOut::getId));
            return got.size() >= sent.size();
        });
        same(got, sent);
        for (int i = 0; i < 2; i++) {
            poller.consumerSeek(app, "sink", "worker", new PollingEndpointConsumerSeekIn().after(ago(HOUR)));
            got.clear();
            MessagePollerConsumerPollOptions next = new MessagePollerConsumerPollOptions();
            next.setLimit(2L);
            until("all are consumed", () -> {
                PollingEndpointOut page = poller.consumerPoll(app, "sink", "worker", next);
                next.setIterator(page.getIterator());
                got.addAll(keys(page.getData(), PollingEndpointMessageOut::getId));
                return got.size() >= sent.size();
            });
            same(got, sent);
        }
    }

    private static void errors() throws Exception {
        fails(404, "not_found", () -> svix.getApplication().get("app_nothing"));
        fails(422, "name", () -> svix.getApplication().create(new ApplicationIn().name("")));
        fails(401, "authentication_failed", () -> client("wrong").getApplication().list());
        fails(501, "not_implemented", () -> svix.getStreaming().getStream().list());
    }

    private static void documentation() throws Exception {
        SvixOptions options = new SvixOptions();
        options.setServerUrl(System.getenv("HOOKSWITCH_URL"));
        Svix svix = new Svix(System.getenv("HOOKSWITCH_OPERATOR_TOKEN"), options);
        svix.getApplication().list();
    }
}
