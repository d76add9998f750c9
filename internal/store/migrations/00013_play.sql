-- What bins answer, who may look at them, and the issues of Apps.

-- name: what its owner calls it; bins with one live on while they are used. answer: what it answers, as JSON, empty for 200. forward: where its requests were sent on to last.
-- taken: how many requests it took, ever. held: bytes of the bodies that are kept, about.
ALTER TABLE bins ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE bins ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE bins ADD COLUMN forward TEXT NOT NULL DEFAULT '';
ALTER TABLE bins ADD COLUMN taken BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bins ADD COLUMN held BIGINT NOT NULL DEFAULT 0;

-- pinned: kept while others go. answered: what it was answered, as JSON; empty: nothing is known.
ALTER TABLE bin_requests ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE bin_requests ADD COLUMN answered TEXT NOT NULL DEFAULT '';

-- Links by which others may look at a bin. password: a salted hash, empty for none.
CREATE TABLE bin_shares (
    link       TEXT   PRIMARY KEY,
    token      TEXT   NOT NULL,
    password   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX bin_shares_by_token ON bin_shares (token);

-- What people have said about the issues of an App: equal failures at one endpoint. state: open, solved or muted, from changed_at on.
CREATE TABLE issues (
    app_id      BIGINT NOT NULL,
    endpoint_id BIGINT NOT NULL,
    cause       TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (app_id, endpoint_id, cause)
) {{clustered}};
