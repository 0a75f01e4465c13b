-- SPDX-License-Identifier: Apache-2.0
-- wrk's side of a scenario. The environment says what to send; the counts come out as one line of JSON.
local size = tonumber(os.getenv("BENCH_BODY"))
local stream = os.getenv("BENCH_STREAM") == "1"
local pause = tonumber(os.getenv("BENCH_PAUSE") or "0")

local frame = '{"model":"gpt-4o-mini","stream":%s,"messages":[{"role":"user","content":"%s"}]}'
local words = "The quick brown fox jumps over the lazy dog near the river bank while it rains. "
local text = string.rep(words, math.ceil(size / #words)):sub(1, size - #string.format(frame, tostring(stream), ""))

wrk.method = "POST"
wrk.body = string.format(frame, tostring(stream), text)
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-bench-0123456789abcdef0123456789abcdef"
wrk.headers["User-Agent"] = "bench/1.0"
wrk.headers["X-Mock"] = os.getenv("BENCH_MOCK")
if os.getenv("BENCH_TOKEN") then
    wrk.headers["cf-aig-authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
end

if pause > 0 then
    function delay()
        return pause
    end
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"bytes":%d,"bad":%d,"p50_us":%d,"p99_us":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
