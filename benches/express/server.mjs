// The peer most embedding apps run today: node server.mjs PORT REDIS_URL
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";

const [port, url] = process.argv.slice(2);
const client = createClient({ url });
await client.connect();

const app = express();
app.disable("x-powered-by");
app.use(
  session({
    store: new RedisStore({ client, prefix: "express:", ttl: 1800 }),
    secret: "a secret of the benchmark",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 1_800_000 },
  }),
);
app.post("/login", (request, response) => {
  request.session.user = "6f2f5b3e-6f0f-4b57-9d0a-1f6b2c3d4e5f";
  response.sendStatus(204);
});
app.get("/check", (request, response) => response.sendStatus(request.session.user ? 204 : 401));
app.listen(Number(port), "127.0.0.1");
