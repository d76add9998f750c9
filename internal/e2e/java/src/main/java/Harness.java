import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.svix.Svix;
import com.svix.SvixOptions;
import com.svix.Webhook;
import com.svix.exceptions.ApiException;
import com.svix.exceptions.WebhookVerificationException;
import com.svix.models.*;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** What the checks share: the client, waiting, walking through lists, and the receiver. */
abstract class Harness {
    static final String SERVER = System.getenv("SERVER_URL");
    static final String RECEIVER = System.getenv("RECEIVER_URL");
    static final String RUN = "java-" + System.currentTimeMillis();
    static final Svix svix = client(System.getenv("SERVER_TOKEN"));
    static final ObjectMapper json = new ObjectMapper();
    static final Map<String, Check> checks = new LinkedHashMap<>();
    private static final HttpClient http = HttpClient.newHttpClient();
    private static int made;

    interface Check {
        void run() throws Exception;
    }

    interface Ask<T> {
        T get() throws Exception;
    }

    static Svix client(String token) {
        SvixOptions options = new SvixOptions();
        options.setServerUrl(SERVER);
        return new Svix(token, options);
    }

    /** Prints how many checks there are, and for each a line that begins with "ok" or "not ok". */
    static void runAll() {
        System.out.println("checks " + checks.size());
        checks.forEach((title, check) -> {
            try {
                check.run();
                System.out.println("ok " + title);
            } catch (Throwable e) { // whatever it is, it belongs to this check
                StringWriter trace = new StringWriter();
                if (e instanceof ApiException api) {
                    trace.write(api.getResponseBody() + "\n");
                }
                e.printStackTrace(new PrintWriter(trace));
                System.out.println("not ok " + title + "\n    " + trace.toString().replace("\n", "\n    "));
            }
        });
    }

    static void same(Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    static void holds(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    static <T> T until(String what, Ask<T> ask) throws Exception {
        for (long end = System.nanoTime() + Duration.ofSeconds(20).toNanos(); ; Thread.sleep(30)) {
            T got = ask.get();
            if (got != null && !Boolean.FALSE.equals(got)) {
                return got;
            }
            holds(System.nanoTime() < end, "after 20 s: " + what);
        }
    }

    /** Expects a refusal in one of the two shapes: word is the code, or for 422 the last word of where. */
    static void fails(int status, String word, Check call) throws Exception {
        try {
            call.run();
        } catch (ApiException e) {
            same(e.getCode(), status);
            JsonNode body = json.readTree(e.getResponseBody());
            if (status == 422) {
                JsonNode loc = body.get("detail").get(0).get("loc");
                same(loc.get(loc.size() - 1).asText(), word);
            } else {
                same(body.get("code").asText(), word);
            }
            return;
        }
        throw new AssertionError("no error, want " + status);
    }

    /** A call that this version of the client cannot make to any server: it refuses to send a POST or PUT without a body. */
    static void neverSent(Check call) throws Exception {
        try {
            call.run();
        } catch (IllegalArgumentException e) {
            holds(e.getMessage().endsWith("must have a request body."), e.getMessage());
            return;
        }
        throw new AssertionError("the client sends it now: check what comes of it");
    }

    /** A page of any list. */
    record Page(List<String> keys, boolean done, String iterator, String prevIterator) {}

    interface Lister {
        Page list(long limit, String iterator) throws Exception;
    }

    static <T> List<String> keys(List<T> rows, Function<T, String> key) {
        return rows.stream().map(key).toList();
    }

    /** Goes through a list two rows at a time, to its end and back, and returns the keys of its rows. Only mine count, unless that is null. */
    static List<String> walk(List<String> mine, Lister lister) throws Exception {
        Page page = lister.list(2, null);
        List<String> there = new ArrayList<>(page.keys);
        while (!page.done) {
            page = lister.list(2, page.iterator);
            there.addAll(page.keys);
        }
        List<String> back = new ArrayList<>(page.keys);
        while (page.prevIterator != null) {
            page = lister.list(2, page.prevIterator);
            back.addAll(0, page.keys);
            if (page.done) {
                break;
            }
        }
        if (mine != null) {
            there.retainAll(mine);
            back.retainAll(mine);
        }
        same(back, there);
        return there;
    }

    /** A request that came to the receiver. */
    record Request(Map<String, String> headers, String body) {
        /** Fails unless the client's own verifier takes it. */
        void proven(String secret) throws Exception {
            Map<String, List<String>> multi = new HashMap<>();
            headers.forEach((name, value) -> multi.put(name, List.of(value)));
            new Webhook(secret).verify(body, multi);
            try {
                new Webhook(secret).verify(body + " ", multi);
            } catch (WebhookVerificationException e) {
                return;
            }
            throw new AssertionError("a changed body verifies");
        }
    }

    static List<Request> received(String path) throws Exception {
        URI uri = URI.create(RECEIVER + "/received?path=" + URLEncoder.encode(path, StandardCharsets.UTF_8));
        String body = http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
        List<Request> list = new ArrayList<>();
        for (JsonNode r : json.readTree(body)) {
            list.add(new Request(json.convertValue(r.get("headers"), new TypeReference<>() {}), r.get("body").asText()));
        }
        return list;
    }

    static List<Request> arrived(String path, int n) throws Exception {
        return until(n + " requests at " + path, () -> {
            List<Request> list = received(path);
            return list.size() >= n ? list : null;
        });
    }

    /** Waits until each message has come to a path. */
    static void taken(String path, String... messages) throws Exception {
        until(List.of(messages) + " at " + path, () -> keys(received(path), r -> r.headers.get("svix-id")).containsAll(List.of(messages)));
    }

    static URI url(String path) {
        return URI.create(RECEIVER + path);
    }

    static String path(String last) {
        return "/" + RUN + "/" + last;
    }

    static OffsetDateTime ago(Duration d) {
        return OffsetDateTime.now().minus(d);
    }

    static String newApp() throws Exception {
        String name = RUN + "-" + ++made;
        return svix.getApplication().create(new ApplicationIn().name(name).uid(name)).getId();
    }

    static String newType(String last) throws Exception {
        String name = RUN + "." + last;
        return svix.getEventType().create(new EventTypeIn().name(name).description(name)).getName();
    }

    static String newEndpoint(String app, String path) throws Exception {
        return svix.getEndpoint().create(app, new EndpointIn().url(url(path))).getId();
    }

    static String send(String app, String type) throws Exception {
        return svix.getMessage().create(app, new MessageIn().eventType(type).payload("{\"n\":1}")).getId();
    }

    static List<MessageAttemptOut> attempted(String app, String message, int n) throws Exception {
        return until(n + " attempts for " + message, () -> {
            List<MessageAttemptOut> list = svix.getMessageAttempt().listByMsg(app, message).getData();
            return list.size() >= n ? list : null;
        });
    }

    static void finished(String id, BackgroundTaskType task) throws Exception {
        until("task " + id + " is finished", () -> {
            BackgroundTaskOut now = svix.getBackgroundTask().get(id);
            same(now.getTask(), task);
            holds(now.getStatus() != BackgroundTaskStatus.FAILED, "the task has failed: " + now.getData());
            return now.getStatus() == BackgroundTaskStatus.FINISHED;
        });
    }
}
