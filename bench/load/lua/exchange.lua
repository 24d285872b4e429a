-- SPDX-License-Identifier: MIT
-- wrk: each request exchanges the next identity token of a file (one a line), none twice; the run ends with the last
-- answer. Arguments: file, target, which line is the first.
dofile("result.lua")

local requests = {}
local sent, answered = 0, 0

function init(args)
    local skipped = tonumber(args[3]) - 1
    for token in io.lines(args[1]) do
        if skipped > 0 then
            skipped = skipped - 1
        else
            requests[#requests + 1] = wrk.format("POST", args[2],
                { ["Content-Type"] = "application/json", Host = wrk.headers.Host }, '{"token":"' .. token .. '"}')
        end
    end
end

-- A connection whose turn comes after the last token waits for the end.
function delay()
    return sent >= #requests and 3600000 or 0
end

function request()
    sent = sent + 1
    return requests[math.min(sent, #requests)]
end

function response()
    answered = answered + 1
    if answered == #requests then
        wrk.thread:stop()
    end
end
