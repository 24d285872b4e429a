-- SPDX-License-Identifier: MIT
-- wrk: each request bears a token picked at random from a file (one a line). Every request is built before the load
-- starts, so that the generator only picks one. Arguments: file, target.
dofile("result.lua")

local requests = {}

function init(args)
    local target = args[2]
    for token in io.lines(args[1]) do
        requests[#requests + 1] = wrk.format("GET", target, { Authorization = "Bearer " .. token, Host = wrk.headers.Host })
    end
    math.randomseed(os.time())
end

function request()
    return requests[math.random(#requests)]
end
