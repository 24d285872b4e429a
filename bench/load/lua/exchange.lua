-- SPDX-License-Identifier: MIT
-- wrk: each request exchanges the next identity token of a file (one a line), none twice; then the connections wait for
-- the end of the run. Arguments: file, target, a file for the seconds from the first connection to the last answer.
dofile("result.lua")

local ffi = require("ffi")
ffi.cdef("typedef struct { long s, ns; } bench_time; int clock_gettime(int, bench_time *);")

local requests = {}
local sent, answered = -1, 0 -- wrk asks for one request that it does not send
local began, out

local function now()
    local time = ffi.new("bench_time")
    ffi.C.clock_gettime(1, time)
    return tonumber(time.s) + tonumber(time.ns) / 1e9
end

function init(args)
    for token in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("POST", args[2],
            { ["Content-Type"] = "application/json", Host = wrk.headers.Host }, '{"token":"' .. token .. '"}')
    end
    out = args[3]
    began = now()
end

function delay()
    return sent >= #requests and 3600000 or 0
end

-- Two connections may have asked for the last one: the other gets something harmless.
function request()
    sent = sent + 1
    return requests[sent] or wrk.format("GET", "/api/v1/oidc/audience", { Host = wrk.headers.Host })
end

function response()
    answered = answered + 1
    if answered == #requests then
        local file = io.open(out, "w")
        file:write(string.format("%.6f\n", now() - began))
        file:close()
    end
end
