"""Mistakes that a type checker must report, on exactly the marked lines. It never runs."""

from openrouter_speech import OpenRouter, utils

open_router = OpenRouter()
tts = open_router.tts

OpenRouter(5)  # rejected
OpenRouter(http_referer=5)  # rejected
OpenRouter(colour="red")  # rejected
OpenRouter("key", "https://example.com")  # rejected
OpenRouter(client="httpx")  # rejected
OpenRouter(retry_config="none")  # rejected
utils.RetryConfig("backoff", None, True)  # rejected
utils.BackoffStrategy("500", 60_000, 1.5, 3_600_000)  # rejected
tts.create_speech(input="Hello", voice="alloy")  # rejected
tts.create_speech(input=b"Hello", model="a/b", voice="alloy")  # rejected
tts.create_speech("Hello", model="a/b", voice="alloy")  # rejected
tts.create_speech(input="Hello", model="a/b", voice="alloy", speed="fast")  # rejected
tts.create_speech(input="Hello", model="a/b", voice="alloy", colour="red")  # rejected
tts.create_speech(input="Hello", model="a/b", voice="alloy", http_headers={"X-A": 1})  # rejected
tts.create_speech(input="Hello", model="a/b", voice="alloy", retries=3)  # rejected
tts.create_speech(input="Hello", model="a/b", voice="alloy").save(5)  # rejected
tts.save_speech(input="Hello", model="a/b", voice="alloy")  # rejected
tts.stream_speech(input="Hello", model="a/b", voice="alloy").iter_bytes()  # rejected
