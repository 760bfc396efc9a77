-- Redeems tokens, rotating through a file of "token username" lines; no more of them than asked for, if a number follows.
local bodies, at, left = {}, 0, math.huge
local idle

function init(args)
  left = tonumber(args[2]) or left
  idle = wrk.format("GET", "/health/live")
  for line in io.lines(args[1]) do
    local token, user = line:match("^(%S+) (%S+)$")
    bodies[#bodies + 1] = wrk.format("POST", nil,
      { ["Content-Type"] = "application/x-www-form-urlencoded" },
      "auth_token=" .. token .. "&username=" .. user)
  end
end

function request()
  if left <= 0 then
    return idle
  end
  left = left - 1
  at = at % #bodies + 1
  return bodies[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %.0f %.0f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
