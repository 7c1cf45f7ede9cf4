-- wrk script: one turn per request, going round CHATS chats whose names begin with PREFIX; its last line is JSON.
local chats = tonumber(os.getenv("CHATS"))
local prefix = os.getenv("PREFIX")
local body = '{"user_id":"%s%d","chat_id":"%s%d","text":"Message %d: what did we decide about the trip to Lisbon in May?"}'
local counter = 0

function init()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
end

function request()
  counter = counter + 1
  return wrk.format(nil, "/v1/chat/handle", nil, string.format(body, prefix, counter % chats, prefix, counter % chats, counter))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"turns":%d,"seconds":%.3f,"p50":%.2f,"p95":%.2f,"p99":%.2f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
