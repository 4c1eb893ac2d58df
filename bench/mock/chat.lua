-- wrk's request: the chat completion of chat.json.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = assert(io.open(os.getenv("CHAT_BODY")))
wrk.body = file:read("*a")
file:close()
