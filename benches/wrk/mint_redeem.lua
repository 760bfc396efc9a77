-- Mints a token, then redeems it: what an embedding app and its user's browser do at each sign-in.
local mint, waiting, kinds = nil, {}, {}
local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }

function init(args)
  mint = wrk.format("POST", "/callosum/v1/tspublic/v1/session/auth/token", form,
    "secret_key=" .. args[1] .. "&username=" .. args[2] .. "&access_level=FULL")
end

function request()
  local token = table.remove(waiting)
  if not token then return mint end
  return wrk.format("POST", "/callosum/v1/tspublic/v1/session/login/token", form,
    "auth_token=" .. token .. "&username=bench&no_url_redirection=true")
end

function response(status, headers, body)
  if status == 200 and #body > 20 then waiting[#waiting + 1] = body end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %.0f %.0f %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
