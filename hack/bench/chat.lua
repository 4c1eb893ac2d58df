-- A chat completion as the built-in scenarios send it: about 100 tokens.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"loopback","messages":[{"role":"user","content":"' .. string.rep("word ", 100) .. '"}]}'
