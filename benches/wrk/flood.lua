-- Password logins of made-up users, each from an address of its own: nobody is slowed down as a guesser, all are hashed.
-- Counts the judged ones. The word behind "--" keeps the names of one flood apart from those of others.
local threads, n, round = {}, 0, ""
judged = 0

function setup(thread) threads[#threads + 1] = thread end

function init(args) round = args[1] end

function request()
  n = n + 1
  local from = string.format("10.%d.%d.%d", math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
  return wrk.format("POST", nil,
    { ["Content-Type"] = "application/x-www-form-urlencoded", ["X-Forwarded-For"] = from },
    "username=nobody-" .. round .. "-" .. n .. "&password=wrong+horse+battery")
end

function response(status)
  if status == 401 then judged = judged + 1 end
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %.0f %.0f 0\n", threads[1]:get("judged"), summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
