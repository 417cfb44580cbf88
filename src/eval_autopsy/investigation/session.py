"""The turns of a model with the engine's tools, and why they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eval_autopsy import kernel
from eval_autopsy.investigation.engine import Engine, Said
from eval_autopsy.investigation.transcript import Transcript

if TYPE_CHECKING:  # it needs the library of the model, which is imported where it is used
    from eval_autopsy.systems.conversation import Answered, Conversation

NUDGES = 2  # answers without a call that are met with what comes next
SAME = 3  # calls alike, from which on it is said
SHOWN = 200  # characters of a model's last words in a sentence

Json = dict[str, Any]
Say = Callable[[str], None]
Step = Callable[[], str | None]  # that comes next; None when all is done

WHY = {  # of the reasons to stop that are no end of a turn
    "refusal": "the model refused to go on",
    "model_context_window_exceeded": "the conversation is longer than the model can read",
}


class Session:
    """One conversation, from the case's name to the model's last words."""

    def __init__(
        self, talk: Conversation, engine: Engine, transcript: Transcript, say: Say
    ) -> None:
        self.talk, self.engine, self.transcript, self.say = talk, engine, transcript, say
        self.messages: list[Json] = []
        self.calls: Counter[str] = Counter()
        self.turn = self.same = self.nudges = 0
        self.last = self.last_words = ""

    def turns(self, most: int, step: Step) -> str:
        """Why it ended. Raises OutOfBounds for a bound, CannotRun where no answer is to be had."""
        self._tell([text_block(f"CASE: {kernel.visible(str(self.engine.place.case))}")])
        for self.turn in range(1, most + 1):
            answered = self.talk.reply(self.messages, self._note)
            self._keep(answered)
            if answered.stop in WHY:
                return WHY[answered.stop]
            cut = answered.stop == "max_tokens"
            told = self._results(answered.content, cut) or self._nudge(cut, step)
            if not told:
                return f"the model ended: {self.last_words[:SHOWN] or 'without a word'}"
            self._tell(told)
        return f"stopped after {most} turns, which is what --max-turns allows{self._in_circles()}"

    def _note(self, kind: str, says: Any) -> None:
        self.transcript.add(kind, {"turn": self.turn, **says})

    def _tell(self, content: list[Json]) -> None:
        """What the model is told next, kept before it is sent."""
        self.messages.append({"role": "user", "content": content})
        self._note("message", self.messages[-1])

    def _keep(self, answered: Answered) -> None:
        """What the model said, kept before anything is done."""
        said = {"role": "assistant", "content": answered.content}
        more = {"stop_reason": answered.stop, "usage": answered.usage}
        self._note("message", {**said, **more, "cost": f"{self.talk.cost:f}"})
        self.messages += [said] if answered.content else []
        words = " ".join(part["text"] for part in answered.content if part["type"] == "text")
        self.last_words = kernel.visible(" ".join(words.split()))

    def _results(self, content: Sequence[Json], cut: bool) -> list[Json]:
        """What each tool that is called came to; of a message that was cut off, none is called."""
        calls = [part for part in content if part["type"] == "tool_use"]
        short = cut_off(self.talk.terms.max_tokens)
        return [tool_result(one["id"], short if cut else self._call(one)) for one in calls]

    def _call(self, called: Json) -> Said:
        name, given = called["name"], called["input"]
        said = self.engine.call(name, given)
        key = kernel.canonical([name, given])
        self.same = self.same + 1 if key == self.last else 1
        self.last = key
        shown = kernel.visible(name[:40])
        self.calls[shown] += 1
        self.say(f"{self.turn:3}  {shown}: exit {said.code}")
        return said

    def _nudge(self, cut: bool, step: Step) -> list[Json]:
        """What is said to a model that calls nothing: nothing, when it has ended."""
        name = step()
        if name is None or self.last_words.startswith("STOPPED") or self.nudges == NUDGES:
            return []
        self.nudges += 1
        if cut:
            return [text_block(cut_off(self.talk.terms.max_tokens).text)]
        what = f"Nothing was called, and the case is not certified: {name} comes next."
        return [text_block(f"{what} Call a tool, or say STOPPED: and why.")]

    def _in_circles(self) -> str:
        if self.same < SAME:
            return ""
        return f"; the last {self.same} calls were the same, of {kernel.visible(self.last)[:SHOWN]}"


def text_block(text: str) -> Json:
    """A text, as a part of a message."""
    return {"type": "text", "text": text}


def tool_result(called: str, said: Said) -> Json:
    """What a tool came to, as a part of a message."""
    result = {"type": "tool_result", "tool_use_id": called, "content": said.to_model()}
    return {**result, "is_error": said.code != 0}


def cut_off(tokens: int) -> Said:
    """What a message comes to that was longer than allowed."""
    return Said(
        2, f"the answer was cut off after {tokens} tokens, and nothing of it done: be brief"
    )
