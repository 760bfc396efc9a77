-- API tokens: a digest each, never the token. Users have at most one.
CREATE TABLE api_tokens (
    user_id    TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    id         TEXT   COLLATE "C" NOT NULL UNIQUE,
    digest     TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
