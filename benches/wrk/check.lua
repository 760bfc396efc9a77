-- Rotates through the session cookies in a file, one "name=value" a line. A number after the file's name is the pause
-- between two requests of a connection, in milliseconds: then it is not the most the server can do, but a steady load.
local cookies, at = {}, 0

function init(args)
  if args[2] then
    function delay() return tonumber(args[2]) end
  end
  for line in io.lines(args[1]) do cookies[#cookies + 1] = line end
  for i, cookie in ipairs(cookies) do
    cookies[i] = wrk.format("GET", nil, { Cookie = cookie })
  end
end

function request()
  at = at % #cookies + 1
  return cookies[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %.0f %.0f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
