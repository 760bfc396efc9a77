-- Redeems tokens, rotating through a file of "token username" lines. Every nth session's cookie goes to a file.
local bodies, at, seen, every, out, out_name = {}, 0, 0, 1, nil, nil

function init(args)
  for line in io.lines(args[1]) do
    local token, user = line:match("^(%S+) (%S+)$")
    bodies[#bodies + 1] = wrk.format("POST", nil,
      { ["Content-Type"] = "application/x-www-form-urlencoded" },
      "auth_token=" .. token .. "&username=" .. user)
  end
  out_name, every = args[2], tonumber(args[3])
  if out_name then out = io.open(out_name, "a") end
end

function request()
  at = at % #bodies + 1
  return bodies[at]
end

function response(status, headers)
  if not out then return end
  seen = seen + 1
  if seen % every ~= 0 or status ~= 204 then return end
  local cookie = headers["set-cookie"] or headers["Set-Cookie"]
  cookie = cookie and cookie:match("JSESSIONID=[^;]+")
  if cookie then out:write(cookie, "\n") out:flush() end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %.0f %.0f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
