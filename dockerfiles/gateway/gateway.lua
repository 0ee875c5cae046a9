-- What HAProxy's own words cannot do: ask another service for a key, weigh the nodes by how they answered, and close when
-- the network is not clean.

local keep_s = tonumber(os.getenv("AUTH_KEEP"))
local known = {} -- key -> until when it counts without asking again

local function ask(key)
    local client = core.httpclient()
    local answer = client:get({ url = "http://auth:8081/check", headers = { ["x-api-key"] = { key } }, timeout = 500 })
    return answer and answer.status
end

core.register_action("auth", { "http-req" }, function(txn)
    local key = txn.sf:req_fhdr("x-api-key")
    local now_s = core.now().sec
    if (known[key] or 0) > now_s then
        txn:set_var("txn.key", "known")
        return
    end
    local status = key == "" and 403 or ask(key)
    if status == 200 then
        known[key] = now_s + keep_s
        txn:set_var("txn.key", "known")
    else
        txn:set_var("txn.key", status == 403 and "unknown" or "unasked")
    end
end, 0)

local took_ms = {} -- server -> how long its answers took to begin, the later ones counting more

core.register_action("measure", { "http-res" }, function(txn)
    local name = txn.sf:srv_name()
    local ms = tonumber(txn.f:res_timer_hdr()) or 0
    took_ms[name] = 0.7 * (took_ms[name] or ms) + 0.3 * ms
end, 0)

core.register_task(function()
    while true do
        core.msleep(200)
        local best_ms = nil
        for _, ms in pairs(took_ms) do
            best_ms = math.min(best_ms or ms, ms)
        end
        for name, ms in pairs(took_ms) do
            -- Within 5 ms of the best all are alike. Nobody is forgotten: who was slow is asked a little more each time.
            local share = (best_ms + 5) / (math.max(ms, best_ms) + 5)
            core.backends["be"].servers[name]:set_weight(string.format("%d%%", math.max(2, math.floor(100 * share))))
            took_ms[name] = best_ms + 0.97 * (ms - best_ms)
        end
    end
end)

local counter = os.getenv("WARY")
local closed = false

local function counted() -- what the kernel's TCP of this pod has counted under that name: a line of names, one of values
    local names = nil
    for line in io.lines("/proc/net/netstat") do
        local words = {}
        for word in line:gmatch("%S+") do
            words[#words + 1] = word
        end
        if names then
            for i, name in ipairs(names) do
                if name == counter then
                    return tonumber(words[i])
                end
            end
            names = nil
        else
            names = words
        end
    end
    return 0
end

core.register_action("wary", { "http-req" }, function(txn)
    if closed then
        txn:set_var("txn.wary", "closed")
    end
end, 0)

if counter ~= "" then
    core.register_task(function()
        local before = counted()
        while true do
            core.msleep(500)
            local now = counted()
            closed = now - before >= 5
            if closed then
                core.msleep(2000)
                now = counted()
            end
            closed, before = false, now
        end
    end)
end
