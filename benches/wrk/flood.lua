-- Password logins of made-up users, each from an address of its own: nobody is slowed down as a guesser, all are hashed.
local n = 0

function request()
  n = n + 1
  local from = string.format("10.%d.%d.%d", math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
  return wrk.format("POST", nil,
    { ["Content-Type"] = "application/x-www-form-urlencoded", ["X-Forwarded-For"] = from },
    "username=nobody" .. n .. "&password=wrong+horse+battery")
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %.0f %.0f 0\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
