-- SPDX-License-Identifier: MIT
-- wrk: each request bears a well-formed token that nobody has and that was never sent before. Argument: target.
dofile("result.lua")

local head, tail
local sent = 0

function init(args)
    local whole = wrk.format("GET", args[1], { Authorization = "Bearer @", Host = wrk.headers.Host })
    head, tail = whole:match("^(.*)@(.*)$")
    math.randomseed(os.time())
    sent = math.random(2 ^ 40)
end

function request()
    sent = sent + 1
    return string.format("%ssr_live_%04x%044x%s", head, math.random(0, 65535), sent, tail)
end
