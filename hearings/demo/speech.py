"""Puts words together: from a case of the stock to what a deputy says and an office answers that night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from hearings.demo.people import DEPARTMENTS_BY_CODE
from hearings.demo.phrases import Deck, fill, lines, section, sections
from hearings.demo.shapes import Commitment
from hearings.demo.troubles import Case, Measure

SHORTEST, LONGEST = 60, 300
"""of a statement, in characters"""

ON_THE_GROUND = {
    "交通出行",
    "停车管理",
    "道路设施",
    "住房物业",
    "公共安全",
    "噪声与环境",
    "水利防汛",
    "城市管理",
    "市容绿化",
    "市容环卫",
}
"""kinds of trouble that are put right by work on the spot, and that come back when it is let slide"""

PRIVATE = {"nursing_care", "veteran", "fraud", "elder_home", "hall_bank", "marriage", "civil_court", "ruin_house"}
"""troubles of one household: nobody else is called as a witness"""


def chinese(day: date, base: date) -> str:
    """How a date is spoken at a hearing: without the year, unless it is another one."""
    year = "" if day.year == base.year else "明年" if day.year == base.year + 1 else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


class Speaker:
    """Remembers what was said, so that witnesses and requests come round slowly."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.witness = Deck(rng, lines("witness"))
        self.request = Deck(rng, lines("request"))
        self.more = Deck(rng, lines("more"))
        self.again = Deck(rng, lines("again"))
        self.follow_up = Deck(rng, lines("followups"))
        self.again_question = Deck(rng, section("again_talk", "question"))
        self.again_answer = Deck(rng, section("again_talk", "answer"))
        self.told = 0

    def _witness(self) -> str:
        return fill(self.rng, self.witness.deal())

    def statement(self, case: Case, place: str) -> str:
        """The trouble itself, with now and then who saw it, and what is asked for."""
        core = case.statement.replace("{p}", place)
        if case.outcome == "not_accepted":
            return core if len(core) >= SHORTEST else core + "请各位领导给我一句明白话。"
        if case.outcome == "resolved_on_site":
            return core + self.request.deal()
        self.told += 1
        if case.trouble.key in PRIVATE:
            return core + self.request.deal()
        if self.told % 12 == 0:
            return self._long(core)
        shape = self.told % 4
        if shape == 0 and len(core) >= SHORTEST:
            return core + self.request.deal()
        if shape == 1 and len(core) >= SHORTEST:
            return core + self._witness()
        if shape == 2:
            return self._witness() + core + self.request.deal()
        return core + self._witness() + self.request.deal()

    def _long(self, core: str) -> str:
        """Close to the three hundred characters a statement may have."""
        middle = [core, self.more.deal()]
        end = self.request.deal()
        while True:
            room = LONGEST - len("".join(middle)) - len(end)
            further = self._witness()
            if len(further) > room:
                return "".join(middle) + end
            middle.append(further)

    def statement_again(self, case: Case, place: str, number: int) -> str:
        measure = case.measures[0].text
        frame = self.again.deal().format(n=number, t=case.trouble.title, m=measure, p=place)
        return frame + self._witness() + self.request.deal()

    def question(self, case: Case) -> str:
        name = DEPARTMENTS_BY_CODE[case.trouble.lead].short_name
        if case.outcome == "not_accepted" or self.told % 3:
            return case.question
        if case.question.startswith("请问"):
            return f"请问{name}，{case.question[2:]}"
        if case.question.startswith("请"):
            return case.question
        return f"我想问{name}：{case.question}"

    def promise(self, commitments: Sequence[Commitment], night: date) -> str:
        """The dates, said aloud."""
        if not commitments:
            return ""
        style = self.rng.randrange(4)
        said = [(chinese(c.due_on, night), c.measure, c.co) for c in commitments]
        if style == 0:
            return "在此明确：" + "；".join(f"{day}前，{measure}" for day, measure, _ in said) + "。"
        if style == 1:
            return "时间上这样安排：" + "；".join(f"{measure}，{day}前完成" for day, measure, _ in said) + "。"
        if style == 2:
            parts = []
            for day, measure, co in said:
                names = "、".join(DEPARTMENTS_BY_CODE[c].short_name for c in co)
                parts.append(f"{day}前{measure}" + (f"（{names}配合）" if names else ""))
            return "今晚表态：" + "，".join(parts) + "。"
        numbered = "一二三四"
        return (
            "".join(f"{numbered[i]}是{measure}，不晚于{day}；" for i, (day, measure, _) in enumerate(said))[:-1] + "。"
        )

    def answer(self, case: Case, commitments: Sequence[Commitment], night: date) -> str:
        return case.answer + self.promise(commitments, night)

    def further(self, case: Case) -> tuple[str, str] | None:
        """A follow-up question and what was said to it, if there was one."""
        if case.follow_up and case.follow_answer:
            return case.follow_up, case.follow_answer
        if case.follow_up:
            return case.follow_up, "代表提醒得对，我们一并办理，办到哪一步随时向代表说明。"
        if case.outcome == "time_limited" and case.trouble.category in ON_THE_GROUND and self.told % 2:
            asked, _, answered = (part.strip() for part in self.follow_up.deal().partition("|"))
            return asked, answered
        return None

    def measures_again(self) -> tuple[Measure, ...]:
        sets = [part for head, part in sections("again_talk") if head == "measures"]
        measures = []
        for line in self.rng.choice(sets):
            text, _, amount = (part.strip() for part in line.partition("|"))
            measures.append(Measure(text, int(amount[:-1]), amount[-1]))
        return tuple(measures)
