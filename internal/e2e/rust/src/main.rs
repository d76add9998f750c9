//! Drives a server through the official Svix client for Rust, whose types notice every field that is missing or of another type.
//!
//! SERVER_URL, SERVER_TOKEN and RECEIVER_URL say where the server is, how to get in, and where requests may be sent. Prints how many checks there are, and
//! for each a line that begins with "ok" or "not ok".

mod harness;

use std::collections::BTreeMap;

use chrono::{Duration, Utc};
use harness::{fails, have, need, set, walk, Check, Rows, Suite};
use serde_json::json;
use svix::{api::*, models::*};

fn main() {
    let checks: Vec<(&str, Check)> = vec![
        ("applications", |s| Box::pin(applications(s))),
        ("endpoints", |s| Box::pin(endpoints(s))),
        ("recovery and background tasks", |s| Box::pin(recovery(s))),
        ("event types", |s| Box::pin(event_types(s))),
        ("messages", |s| Box::pin(messages(s))),
        ("attempts", |s| Box::pin(attempts(s))),
        ("authentication", |s| Box::pin(authentication(s))),
        ("operational webhooks", |s| Box::pin(operational(s))),
        ("integrations", |s| Box::pin(integrations(s))),
        ("statistics", |s| Box::pin(statistics(s))),
        ("poller", |s| Box::pin(poller(s))),
        ("environment", |s| Box::pin(environment(s))),
        ("health and errors", |s| Box::pin(errors(s))),
        ("the sample of the documentation", |_| Box::pin(documentation())),
    ];
    harness::run(checks);
}

async fn applications(s: Suite) {
    let sx = s.client();
    let uid = s.name("one");
    let one = have(
        sx.application()
            .create(
                ApplicationIn {
                    uid: Some(uid.clone()),
                    throttle_rate: Some(7),
                    metadata: Some(BTreeMap::from([("a".into(), "b".into())])),
                    ..ApplicationIn::new("one".into())
                },
                None,
            )
            .await,
    );
    assert_eq!(one.throttle_rate, Some(7));
    assert_eq!(have(sx.application().get(uid.clone()).await), one);
    let same = ApplicationIn { uid: Some(uid), ..ApplicationIn::new("other".into()) };
    assert_eq!(have(sx.application().get_or_create(same, None).await).id, one.id);
    let mut made = vec![];
    for _ in 0..5 {
        made.push(s.app().await);
    }
    let listed = walk(async |limit, iterator| {
        let page = have(sx.application().list(Some(ApplicationListOptions { limit, iterator, ..Default::default() })).await);
        Rows::new(page.data.into_iter().map(|a| a.id).filter(|id| made.contains(id)), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, made);
    let patch = ApplicationPatch { name: Some("patched".into()), ..ApplicationPatch::new() };
    let patched = have(sx.application().patch(one.id.clone(), patch).await);
    assert_eq!((patched.name.as_str(), &patched.metadata), ("patched", &one.metadata));
    let replaced = have(sx.application().upsert(one.id.clone(), ApplicationIn::new("replaced".into())).await);
    assert_eq!((replaced.uid, replaced.metadata), (None, BTreeMap::new()));
    have(sx.application().delete(one.id.clone()).await);
    fails(404, "not_found", sx.application().get(one.id).await);
}

async fn endpoints(s: Suite) {
    let sx = s.client();
    let (app, paid, path) = (s.app().await, s.event_type("endpoint.paid").await, s.path("endpoints"));
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
    let ep = have(
        sx.endpoint()
            .create(
                app.clone(),
                EndpointIn {
                    uid: Some("main".into()),
                    event_types: set([&paid]),
                    channels: set(["eu"]),
                    throttle_rate: Some(100),
                    secret: Some(secret.into()),
                    headers: Some(BTreeMap::from([("X-Team".into(), "a".into())])),
                    ..EndpointIn::new(s.url(&path))
                },
                None,
            )
            .await,
    );
    assert_eq!((&ep.event_types, &ep.channels, ep.throttle_rate), (&set([&paid]), &set(["eu"]), Some(100)));
    assert_eq!(have(sx.endpoint().get(app.clone(), "main".into()).await), ep);
    assert_eq!(have(sx.endpoint().get_secret(app.clone(), ep.id.clone()).await).key, secret);
    let rotated = have(sx.endpoint().rotate_secret(app.clone(), ep.id.clone(), EndpointSecretRotateIn::new(), None).await);
    assert_eq!(have(sx.endpoint().get_secret(app.clone(), ep.id.clone()).await).key, rotated.key);
    let message = MessageIn { channels: set(["eu"]), ..MessageIn::new(paid.clone(), json!({"n": 1})) };
    let message = have(sx.message().create(app.clone(), message, None).await);
    let got = s.arrived(&path, 1).await.remove(0);
    assert_eq!((got.header("svix-id"), got.header("x-team")), (message.id.as_str(), "a"));
    got.proven(secret);
    got.proven(&rotated.key);
    let headers = EndpointHeadersIn::new(BTreeMap::from([("X-One".into(), "1".into()), ("Authorization".into(), "Basic abc".into())]));
    have(sx.endpoint().set_headers(app.clone(), ep.id.clone(), headers).await);
    let patch = EndpointHeadersPatchIn {
        delete_headers: Some(vec!["X-One".into()]),
        ..EndpointHeadersPatchIn::new(BTreeMap::from([("X-Two".into(), "2".into())]))
    };
    have(sx.endpoint().patch_headers(app.clone(), ep.id.clone(), patch).await);
    let headers = have(sx.endpoint().get_headers(app.clone(), ep.id.clone()).await);
    assert_eq!((headers.headers, headers.sensitive.len()), (BTreeMap::from([("X-Two".into(), "2".into())]), 1));
    s.attempted(&app, &message.id, 1).await;
    s.until("the attempt is counted", async || have(sx.endpoint().get_stats(app.clone(), ep.id.clone(), None).await).success == 1).await;
    assert_eq!(have(sx.endpoint().get_attempt_stats(app.clone(), ep.id.clone(), None).await).success, 1);
    let example = EventExampleIn::new("svix.ping".into());
    let example = have(sx.endpoint().send_example(app.clone(), ep.id.clone(), example, None).await);
    s.taken(&path, &[&example.id]).await;
    let patch = EndpointPatch { disabled: Some(true), ..EndpointPatch::new() };
    let patched = have(sx.endpoint().patch(app.clone(), ep.id.clone(), patch).await);
    assert_eq!((patched.disabled, patched.uid), (Some(true), Some("main".into())));
    let replaced = have(sx.endpoint().upsert(app.clone(), ep.id.clone(), EndpointUpsertIn::new(s.url(&path))).await);
    assert_eq!((replaced.disabled, replaced.uid, replaced.event_types), (Some(false), None, None));
    let other = s.app().await;
    let mut made = vec![];
    for _ in 0..5 {
        made.push(s.endpoint(&other, &path).await);
    }
    let listed = walk(async |limit, iterator| {
        let options = EndpointListOptions { limit, iterator, order: Some(Ordering::Ascending) };
        let page = have(sx.endpoint().list(other.clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|e| e.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, made);
    fails(422, "url", sx.endpoint().create(app.clone(), EndpointIn::new("ftp://example.com".into()), None).await);
    have(sx.endpoint().delete(app.clone(), ep.id.clone()).await);
    fails(404, "not_found", sx.endpoint().get(app, ep.id).await);
}

async fn recovery(s: Suite) {
    let sx = s.client();
    let began = Utc::now() - Duration::seconds(1);
    let (app, path) = (s.app().await, s.path("recovery"));
    let (paid, sent) = (s.event_type("recovery.paid").await, s.event_type("recovery.sent").await);
    let ep = s.endpoint(&app, &format!("/status/500{path}")).await;
    let failed = s.send(&app, &paid).await;
    s.until("the message has failed", async || {
        let to = have(sx.message_attempt().list_attempted_destinations(app.clone(), failed.clone(), None).await);
        to.data[0].status_text == MessageStatusText::Fail
    })
    .await;
    let change = async |patch: EndpointPatch| {
        have(sx.endpoint().patch(app.clone(), ep.clone(), patch).await);
    };
    change(EndpointPatch { url: Some(s.url(&path)), ..EndpointPatch::new() }).await;
    let recover = have(sx.endpoint().recover(app.clone(), ep.clone(), RecoverIn::new(began), None).await);
    s.taken(&path, &[&failed]).await;
    s.finished(&recover.id, BackgroundTaskType::EndpointRecover).await;
    change(EndpointPatch { disabled: Some(true), ..EndpointPatch::new() }).await;
    let missed = s.send(&app, &sent).await;
    change(EndpointPatch { disabled: Some(false), ..EndpointPatch::new() }).await;
    let replay = have(sx.endpoint().replay_missing(app.clone(), ep.clone(), ReplayIn::new(began), None).await);
    s.taken(&path, &[&missed]).await;
    s.finished(&replay.id, BackgroundTaskType::EndpointReplay).await;
    let bulk_path = format!("{path}/bulk");
    change(EndpointPatch { url: Some(s.url(&bulk_path)), ..EndpointPatch::new() }).await;
    let bulk = BulkReplayIn { event_types: set([&paid]), ..BulkReplayIn::new(began) };
    let bulk = have(sx.endpoint().bulk_replay(app.clone(), ep.clone(), bulk, None).await);
    s.taken(&bulk_path, &[&failed]).await;
    s.finished(&bulk.id, BackgroundTaskType::EndpointBulkReplay).await;
    let tasks = vec![recover.id, replay.id, bulk.id];
    let listed = walk(async |limit, iterator| {
        let options = BackgroundTaskListOptions { limit, iterator, order: Some(Ordering::Ascending), ..Default::default() };
        let page = have(sx.background_task().list(Some(options)).await);
        Rows::new(page.data.into_iter().map(|t| t.id).filter(|id| tasks.contains(id)), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, tasks);
}

async fn event_types(s: Suite) {
    let sx = s.client();
    let name = s.name("types.one");
    let schemas = json!({"1": {"type": "object"}});
    let one = EventTypeIn {
        schemas: Some(schemas.clone()),
        feature_flags: set(["beta"]),
        group_name: Some("g".into()),
        ..EventTypeIn::new(name.clone(), "one".into())
    };
    let one = have(sx.event_type().create(one, None).await);
    assert_eq!((one.deprecated, one.feature_flags, one.schemas), (false, set(["beta"]), Some(schemas)));
    let again = EventTypeIn::new(name.clone(), "again".into());
    fails(409, "event_type_exists", sx.event_type().create(again, None).await);
    let mut names = vec![name.clone()];
    for last in ["types.three", "types.two", "types.zero"] {
        names.push(s.event_type(last).await);
    }
    let listed = walk(async |limit, iterator| {
        let page = have(sx.event_type().list(Some(EventTypeListOptions { limit, iterator, ..Default::default() })).await);
        Rows::new(page.data.into_iter().map(|t| t.name).filter(|n| names.contains(n)), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, names);
    let patch = EventTypePatch { deprecated: Some(true), ..EventTypePatch::new() };
    assert!(have(sx.event_type().patch(name.clone(), patch).await).deprecated);
    let replaced = have(sx.event_type().upsert(name.clone(), EventTypeUpsertIn::new("replaced".into())).await);
    assert_eq!((replaced.description.as_str(), replaced.schemas), ("replaced", None));
    have(sx.event_type().delete(name.clone(), None).await);
    assert_eq!(have(sx.event_type().get(name.clone()).await).archived, Some(true));
    have(sx.event_type().delete(name.clone(), Some(EventTypeDeleteOptions { expunge: Some(true) })).await);
    fails(404, "not_found", sx.event_type().get(name).await);
    let own = s.name("types.imported");
    let operation = json!({"operationId": own, "description": "imported", "responses": {"200": {"description": "taken"}},
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}});
    let spec = json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "webhooks": {own.clone(): {"post": operation}}});
    let import = EventTypeImportOpenApiIn { spec: Some(spec), ..EventTypeImportOpenApiIn::new() };
    let dry = EventTypeImportOpenApiIn { dry_run: Some(true), ..import.clone() };
    let dry = have(sx.event_type().import_openapi(dry, None).await);
    assert_eq!(dry.data.to_modify.map(|t| t[0].name.clone()), Some(own.clone()));
    assert_eq!(have(sx.event_type().import_openapi(import, None).await).data.modified, vec![own]);
}

async fn messages(s: Suite) {
    let sx = s.client();
    let (app, paid, sent, path) = (s.app().await, s.event_type("message.paid").await, s.event_type("message.sent").await, s.path("messages"));
    let ep = s.endpoint(&app, &path).await;
    let secret = have(sx.endpoint().get_secret(app.clone(), ep.clone()).await).key;
    let body = MessageIn {
        event_id: Some("first".into()),
        channels: set(["eu"]),
        tags: set(["t"]),
        payload_retention_hours: Some(48),
        ..MessageIn::new(paid.clone(), json!({"text": "héllo"}))
    };
    let options = || Some(MessageCreateOptions { idempotency_key: Some(s.name("key")), ..Default::default() });
    let one = have(sx.message().create(app.clone(), body.clone(), options()).await);
    assert_eq!((one.event_id.as_deref(), &one.channels, &one.tags), (Some("first"), &set(["eu"]), &set(["t"])));
    assert_eq!(have(sx.message().create(app.clone(), body.clone(), options()).await).id, one.id);
    let got = s.arrived(&path, 1).await.remove(0);
    assert_eq!(got.header("webhook-id"), one.id);
    got.proven(&secret);
    fails(409, "conflict", sx.message().create(app.clone(), body, None).await);
    assert_eq!(have(sx.message().get(app.clone(), "first".into(), None).await).id, one.id);
    let mut every = vec![one.id.clone()];
    for _ in 0..4 {
        every.insert(0, s.send(&app, &sent).await);
    }
    let listed = walk(async |limit, iterator| {
        let options = MessageListOptions { limit, iterator, ..Default::default() };
        let page = have(sx.message().list(app.clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|m| m.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, every);
    let hour = Duration::hours(1);
    for (options, want) in [
        (MessageListOptions { event_types: set([&sent]), ..Default::default() }, 4),
        (MessageListOptions { channel: Some("eu".into()), ..Default::default() }, 1),
        (MessageListOptions { tag: Some("t".into()), ..Default::default() }, 1),
        (MessageListOptions { before: Some(Utc::now() - hour), ..Default::default() }, 0),
        (MessageListOptions { after: Some(Utc::now() - hour), ..Default::default() }, 5),
    ] {
        assert_eq!(have(sx.message().list(app.clone(), Some(options)).await).data.len(), want);
    }
    let raw_path = format!("{path}/raw");
    let raw = EndpointIn { channels: set(["raw"]), ..EndpointIn::new(s.url(&raw_path)) };
    let raw = have(sx.endpoint().create(app.clone(), raw, None).await);
    let body = MessageIn::new_raw_payload(paid.clone(), "<a/>".into()).with_content_type("text/xml".into());
    have(sx.message().create(app.clone(), MessageIn { channels: set(["raw"]), ..body }, None).await);
    let got = s.arrived(&raw_path, 1).await.remove(0);
    assert_eq!(got.body, "<a/>");
    got.proven(&have(sx.endpoint().get_secret(app.clone(), raw.id).await).key);
    let later = MessageIn { deliver_at: Some(Utc::now() + hour), ..MessageIn::new(paid.clone(), json!({})) };
    need(have(sx.message().create(app.clone(), later, None).await).deliver_at);
    assert!(have(sx.message().precheck(app.clone(), MessagePrecheckIn::new(paid), None).await).active);
    s.attempted(&app, &one.id, 1).await;
    have(sx.message().expunge_content(app.clone(), one.id.clone()).await);
    let content = || Some(MessageGetOptions { with_content: Some(true) });
    assert_eq!(have(sx.message().get(app.clone(), one.id.clone(), content()).await).payload, json!({"expired": true}));
    fails(400, "missing_payload", sx.message_attempt().resend(app.clone(), one.id, ep, None).await);
    let several = BulkExpungeContentsIn { ids: set([&every[0]]), ..BulkExpungeContentsIn::new() };
    let several = have(sx.message().bulk_expunge_content(app.clone(), several, None).await);
    assert_eq!(several.results.get(&every[0]), Some(&BulkExpungeStatus::Expunged));
    let task = have(sx.message().expunge_all_contents(app.clone(), None).await);
    s.finished(&task.id, BackgroundTaskType::ApplicationPurgeContent).await;
    assert_eq!(have(sx.message().get(app.clone(), every[1].clone(), content()).await).payload, json!({"expired": true}));
}

async fn attempts(s: Suite) {
    let sx = s.client();
    let (app, paid, path) = (s.app().await, s.event_type("attempt.paid").await, s.path("attempts"));
    let (good, bad) = (s.endpoint(&app, &path).await, s.endpoint(&app, &format!("/status/500{path}")).await);
    let mut sent = vec![];
    for _ in 0..3 {
        sent.insert(0, s.send(&app, &paid).await);
    }
    for id in &sent {
        s.attempted(&app, id, 5).await;
    }
    let by_endpoint = walk(async |limit, iterator| {
        let options = MessageAttemptListByEndpointOptions { limit, iterator, status: Some(MessageStatus::Fail), ..Default::default() };
        let page = have(sx.message_attempt().list_by_endpoint(app.clone(), bad.clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|a| a.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(by_endpoint.await.len(), 12);
    let by_message = walk(async |limit, iterator| {
        let options = MessageAttemptListByMsgOptions { limit, iterator, ..Default::default() };
        let page = have(sx.message_attempt().list_by_msg(app.clone(), sent[0].clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|a| a.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(by_message.await.len(), 5);
    let with_msg = MessageAttemptListByEndpointOptions { with_msg: Some(true), ..Default::default() };
    let one = have(sx.message_attempt().list_by_endpoint(app.clone(), good.clone(), Some(with_msg)).await).data.remove(0);
    assert_eq!((need(one.msg.clone()).id, one.status, one.response_status_code), (one.msg_id.clone(), MessageStatus::Success, 200));
    let get = async || have(sx.message_attempt().get(app.clone(), one.msg_id.clone(), one.id.clone(), None).await).response;
    assert_eq!(get().await, "taken");
    let attempted = walk(async |limit, iterator| {
        let options = MessageAttemptListAttemptedMessagesOptions { limit, iterator, ..Default::default() };
        let page = have(sx.message_attempt().list_attempted_messages(app.clone(), bad.clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|m| m.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(attempted.await, sent);
    let destinations = walk(async |limit, iterator| {
        let options = MessageAttemptListAttemptedDestinationsOptions { limit, iterator };
        let page = have(sx.message_attempt().list_attempted_destinations(app.clone(), sent[0].clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|e| e.id), page.done, page.iterator, page.prev_iterator)
    });
    let mut both = vec![good.clone(), bad];
    both.sort();
    assert_eq!(destinations.await, both);
    have(sx.message_attempt().resend(app.clone(), sent[0].clone(), good, None).await);
    assert_eq!(s.attempted(&app, &sent[0], 6).await[0].trigger_type, MessageAttemptTriggerType::Manual);
    have(sx.message_attempt().expunge_content(app.clone(), one.msg_id.clone(), one.id.clone()).await);
    assert_eq!(get().await, "EXPUNGED");
}

#[allow(deprecated)] // read_only: the newer word is a capability
async fn authentication(s: Suite) {
    let sx = s.client();
    let (app, other) = (s.app().await, s.app().await);
    let ep = s.endpoint(&app, &s.path("authentication")).await;
    let access = async |options: AppPortalAccessIn| {
        let access = have(sx.authentication().app_portal_access(app.clone(), options, None).await);
        sx.with_token(access.token)
    };
    let portal = access(AppPortalAccessIn::new()).await;
    assert_eq!(have(portal.endpoint().list(app.clone(), None).await).data[0].id, ep);
    fails(404, "not_found", portal.endpoint().list(other, None).await);
    fails(403, "insufficient access", portal.application().list(None).await);
    have(portal.authentication().logout(None).await);
    fails(401, "authentication_failed", portal.endpoint().list(app.clone(), None).await);
    let viewer = AppPortalAccessIn {
        capabilities: Some([AppPortalCapability::ViewBase].into_iter().collect()),
        session_id: Some("viewer".into()),
        ..AppPortalAccessIn::new()
    };
    let viewer = access(viewer).await;
    fails(403, "insufficient access", viewer.endpoint().get_secret(app.clone(), ep.clone()).await);
    let reader = access(AppPortalAccessIn { read_only: Some(true), expiry: Some(3600), ..AppPortalAccessIn::new() }).await;
    fails(403, "insufficient access", reader.endpoint().patch(app.clone(), ep, EndpointPatch::new()).await);
    let expire = ApplicationTokenExpireIn { session_ids: Some(vec!["viewer".into()]), ..ApplicationTokenExpireIn::new() };
    have(sx.authentication().expire_all(app.clone(), expire, None).await);
    fails(401, "authentication_failed", viewer.endpoint().list(app.clone(), None).await);
    have(reader.endpoint().list(app.clone(), None).await);
    have(sx.authentication().expire_all(app.clone(), ApplicationTokenExpireIn::new(), None).await);
    fails(401, "authentication_failed", reader.endpoint().list(app, None).await);
}

async fn operational(s: Suite) {
    let sx = s.client();
    let path = s.path("operational");
    let hook = OperationalWebhookEndpointIn { event_types: set(["endpoint.created"]), ..OperationalWebhookEndpointIn::new(s.url(&path)) };
    let ep = have(sx.operational_webhook().endpoint().create(hook, None).await);
    let secret = have(sx.operational_webhook().endpoint().get_secret(ep.id.clone()).await).key;
    let app = s.app().await;
    let target = s.endpoint(&app, &format!("{path}/target")).await;
    s.until("the endpoint's creation is told", async || {
        for got in s.received(&path).await {
            let event: serde_json::Value = serde_json::from_str(&got.body).expect("JSON");
            if event["data"]["endpointId"] == target.as_str() {
                got.proven(&secret);
                assert_eq!((&event["type"], &event["data"]["appId"]), (&json!("endpoint.created"), &json!(app)));
                return true;
            }
        }
        false
    })
    .await;
    let mut made = vec![ep.id.clone()];
    for _ in 0..3 {
        let other = OperationalWebhookEndpointIn { disabled: Some(true), ..OperationalWebhookEndpointIn::new(s.url(&path)) };
        made.push(have(sx.operational_webhook().endpoint().create(other, None).await).id);
    }
    let listed = walk(async |limit, iterator| {
        let options = OperationalWebhookEndpointListOptions { limit, iterator, order: Some(Ordering::Ascending) };
        let page = have(sx.operational_webhook().endpoint().list(Some(options)).await);
        Rows::new(page.data.into_iter().map(|e| e.id).filter(|id| made.contains(id)), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, made);
    let headers = BTreeMap::from([("X-Ours".to_string(), "1".to_string())]);
    let hooks = sx.operational_webhook();
    have(hooks.endpoint().set_headers(ep.id.clone(), OperationalWebhookEndpointHeadersIn::new(headers.clone())).await);
    assert_eq!(have(hooks.endpoint().get_headers(ep.id.clone()).await).headers, headers);
    have(hooks.endpoint().rotate_secret(ep.id.clone(), OperationalWebhookEndpointSecretIn::new(), None).await);
    assert_ne!(have(hooks.endpoint().get_secret(ep.id.clone()).await).key, secret);
    let upsert = OperationalWebhookEndpointUpsertIn { disabled: Some(true), ..OperationalWebhookEndpointUpsertIn::new(ep.url) };
    let replaced = have(hooks.endpoint().upsert(ep.id.clone(), upsert).await);
    assert_eq!(have(hooks.endpoint().get(ep.id.clone()).await), replaced);
    for id in made {
        have(hooks.endpoint().delete(id).await);
    }
    fails(404, "not_found", hooks.endpoint().get(ep.id).await);
}

async fn integrations(s: Suite) {
    let sx = s.client();
    let app = s.app().await;
    let mut made = vec![];
    for _ in 0..4 {
        made.push(have(sx.integration().create(app.clone(), IntegrationIn::new("one".into()), None).await).id);
    }
    let listed = walk(async |limit, iterator| {
        let options = IntegrationListOptions { limit, iterator, order: Some(Ordering::Ascending) };
        let page = have(sx.integration().list(app.clone(), Some(options)).await);
        Rows::new(page.data.into_iter().map(|i| i.id), page.done, page.iterator, page.prev_iterator)
    });
    assert_eq!(listed.await, made);
    let id = made.remove(0);
    let renamed = have(sx.integration().update(app.clone(), id.clone(), IntegrationUpdate::new("renamed".into())).await);
    assert_eq!(have(sx.integration().get(app.clone(), id.clone()).await), renamed);
    let old = sx.with_token(have(sx.integration().rotate_key(app.clone(), id.clone(), None).await).key);
    have(old.endpoint().list(app.clone(), None).await);
    let fresh = sx.with_token(have(sx.integration().rotate_key(app.clone(), id.clone(), None).await).key);
    fails(401, "authentication_failed", old.endpoint().list(app.clone(), None).await);
    have(sx.integration().delete(app.clone(), id).await);
    fails(401, "authentication_failed", fresh.endpoint().list(app, None).await);
}

async fn statistics(s: Suite) {
    let sx = s.client();
    let app = s.app().await;
    let usage = AppUsageStatsIn { app_ids: set([app.as_str(), "nobody"]), ..AppUsageStatsIn::new(Utc::now() - Duration::hours(1), Utc::now()) };
    let usage = have(sx.statistics().aggregate_app_stats(usage, None).await);
    assert_eq!(Some(usage.unresolved_app_ids.into_iter().collect()), set(["nobody"]));
    s.finished(&usage.id, BackgroundTaskType::ApplicationStats).await;
    let types = have(sx.statistics().aggregate_event_types().await);
    s.finished(&types.id, BackgroundTaskType::EventTypeAggregate).await;
}

async fn poller(s: Suite) {
    let sx = s.client();
    let (app, kind) = (s.app().await, s.event_type("poller.kind").await);
    let first = have(sx.message().poller().poll(app.clone(), "sink".into(), None).await);
    assert!(first.data.is_empty());
    let mut sent = vec![];
    for _ in 0..3 {
        sent.push(s.send(&app, &kind).await);
    }
    let got = harness::collect(&s, sent.len(), Some(first.iterator), async |iterator| {
        let options = MessagePollerPollOptions { iterator, limit: Some(2), ..Default::default() };
        let page = have(sx.message().poller().poll(app.clone(), "sink".into(), Some(options)).await);
        (page.data.into_iter().map(|m| m.id).collect(), page.iterator)
    });
    assert_eq!(got.await, sent);
    for _ in 0..2 {
        let seek = PollingEndpointConsumerSeekIn::new(Utc::now() - Duration::hours(1));
        have(sx.message().poller().consumer_seek(app.clone(), "sink".into(), "worker".into(), seek, None).await);
        let got = harness::collect(&s, sent.len(), None, async |iterator| {
            let options = MessagePollerConsumerPollOptions { iterator, limit: Some(2) };
            let page = have(sx.message().poller().consumer_poll(app.clone(), "sink".into(), "worker".into(), Some(options)).await);
            (page.data.into_iter().map(|m| m.id).collect(), page.iterator)
        });
        assert_eq!(got.await, sent);
    }
}

async fn environment(s: Suite) {
    let sx = s.client();
    let name = s.event_type("environment").await;
    assert!(have(sx.environment().export(None).await).event_types.iter().any(|t| t.name == name));
    let own = s.name("imported");
    let import = EnvironmentIn { event_types: Some(vec![EventTypeIn::new(own.clone(), "imported".into())]), ..EnvironmentIn::new() };
    have(sx.environment().import(import, None).await);
    assert_eq!(have(sx.event_type().get(own).await).description, "imported");
}

async fn errors(s: Suite) {
    let sx = s.client();
    have(sx.health().get().await);
    fails(404, "not_found", sx.application().get("app_nothing".into()).await);
    fails(422, "name", sx.application().create(ApplicationIn::new(String::new()), None).await);
    let too_many = ApplicationListOptions { limit: Some(1000), ..Default::default() };
    fails(422, "limit", sx.application().list(Some(too_many)).await);
    fails(401, "authentication_failed", sx.with_token("wrong".into()).application().list(None).await);
    fails(501, "not_implemented", sx.connector().list(None).await);
}

async fn documentation() {
    let options = SvixOptions { server_url: Some(var("HOOKSWITCH_URL")), ..Default::default() };
    let svix = Svix::new(var("HOOKSWITCH_OPERATOR_TOKEN"), Some(options));
    have(svix.application().list(None).await);
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
