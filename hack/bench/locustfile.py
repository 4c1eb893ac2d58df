"""As much as one Locust process can send: FastHttpUser, no think time, the body of chat.lua."""

from locust import FastHttpUser, constant, task

BODY = {"model": "loopback", "messages": [{"role": "user", "content": "word " * 100}]}


class Chat(FastHttpUser):  # type: ignore[misc]  # Locust has no types
    wait_time = constant(0)

    @task
    def chat(self) -> None:
        self.client.post("/v1/chat/completions", json=BODY)
