-- The directory. UUIDs are text, times are milliseconds since the Unix epoch, truth values are 0 or 1,
-- lists are JSON. A name_key is the folded name: uniqueness and order go by it, never by the name as written.

CREATE TABLE orgs (
    id          BIGINT NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    name_key    TEXT   COLLATE "C" NOT NULL UNIQUE,
    description TEXT   NOT NULL,
    is_active   BIGINT NOT NULL CHECK (is_active IN (0, 1))
);

CREATE TABLE users (
    id            TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    name_key      TEXT   COLLATE "C" NOT NULL UNIQUE,
    display_name  TEXT   NOT NULL,
    email         TEXT,
    account_type  TEXT   NOT NULL,
    is_active     BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    is_admin      BIGINT NOT NULL CHECK (is_admin IN (0, 1)),
    last_org      BIGINT NOT NULL,
    attributes    TEXT   NOT NULL,
    password_hash TEXT,
    created_at    BIGINT NOT NULL,
    modified_at   BIGINT NOT NULL
);
CREATE INDEX users_last_org ON users (last_org);

CREATE TABLE org_members (
    user_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    org_id  BIGINT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, org_id)
);
CREATE INDEX org_members_org ON org_members (org_id, user_id);

-- Not "groups": a keyword in some of the databases this must run on.
CREATE TABLE user_groups (
    id           TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    org_id       BIGINT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL,
    name_key     TEXT   COLLATE "C" NOT NULL,
    display_name TEXT   NOT NULL,
    privileges   TEXT   NOT NULL,
    UNIQUE (org_id, name_key)
);

CREATE TABLE group_members (
    user_id  TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id TEXT COLLATE "C" NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_members_group ON group_members (group_id, user_id);

-- The key itself is never here, only its keyed digest. "sealed" is for an encrypted copy, unused so far.
-- A key of a deleted Org goes with it; setting org_id to null instead would widen it to the whole server.
CREATE TABLE secret_keys (
    id           TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    digest       TEXT   NOT NULL UNIQUE,
    label        TEXT   NOT NULL,
    org_id       BIGINT REFERENCES orgs (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    retired_at   BIGINT,
    sealed       TEXT
);
CREATE INDEX secret_keys_org ON secret_keys (org_id);

-- The owner may be gone: content outlives people.
CREATE TABLE liveboards (
    id             TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL,
    owner_id       TEXT   NOT NULL,
    author_name    TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    modified_at    BIGINT NOT NULL,
    visualizations TEXT   NOT NULL
);

CREATE TABLE server_secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE saved_settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

INSERT INTO orgs (id, name, name_key, description, is_active)
VALUES (0, 'Primary', 'primary', 'Primary Org', 1);
