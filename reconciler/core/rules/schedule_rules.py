"""The rules of schedules, keys and generated entries: the texts that `explain` prints."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule, warning_rule

SCHEDULE_RULES: Mapping[str, Rule] = {
    "generated-stale": Rule(
        summary="A generated entry is exactly what its source computes.",
        why="What is reviewed and posted must follow from the schedule. An edit of the entry is "
        "lost when the source is computed again.",
        remedy="Edit the source, then run `reconciler generate`.",
    ),
    "generated-orphan": Rule(
        summary="The source of a generated entry is declared.",
        why="Nothing proves the amounts of an entry whose source is gone.",
        remedy="Restore the source, or run `reconciler generate` to remove the entry.",
    ),
    "generated-missing": warning_rule(
        summary="Every part of a schedule that is due has its entry.",
        why="A part without an entry is not posted. Only known periods up to "
        "`spec.generate.through` count.",
        remedy="Run `reconciler generate`.",
    ),
    "generated-name": Rule(
        summary="The name of a generated entry is free, and has at most 63 characters.",
        why="A part adds the start of its period to the name of its schedule, and a reversal adds "
        "`.reversal`.",
        remedy="Choose another name.",
    ),
    "reversal-waiting": warning_rule(
        summary="The Reference has the period of a reversal.",
        why="The entry is posted in its own period. Its reversal is written when its period is "
        "known.",
        remedy="Add the period to the Reference, then run `reconciler generate`.",
    ),
    "schedule-method": Rule(
        summary="A schedule has the fields of its method.",
        why="straight-line and recurring take `from` and `parts`, once takes `from`, daily takes "
        "`start` and `end`.",
        remedy="Write the fields of the method, and no others.",
    ),
    "schedule-period": Rule(
        summary="The periods that a schedule or `reverseOn` names are in the Reference.",
        why="Parts begin in a period that is known, and its dates decide everything after it.",
        remedy="Correct the name, or add the period to the Reference.",
    ),
    "schedule-gap": Rule(
        summary="The periods of a schedule follow each other without a gap.",
        why="A date is never moved silently. Without a period, nobody knows where a part falls.",
        remedy="Add the period to the Reference, or end the schedule before.",
    ),
    "schedule-balancing": Rule(
        summary="One line takes the cents, so that every part balances.",
        why="Each line is divided by itself. Without such a line, debits and credits of a part "
        "can differ.",
        remedy="Mark exactly one line `balancing: true`.",
    ),
    "schedule-sign": Rule(
        summary="No part of the balancing line is below zero.",
        why="A line has a positive amount, and its side does not change from part to part.",
        remedy="Mark another line `balancing: true`, best the largest one of its side.",
    ),
    "schedule-zero": Rule(
        summary="A part of a line is zero in both currencies, or in none.",
        why="The ledger takes no line with an amount of zero.",
        remedy="Use fewer parts, or merge the line with another.",
    ),
    "schedule-negative": Rule(
        summary="The new total of a schedule is at least what earlier parts have.",
        why="The parts that are left cannot have negative amounts.",
        remedy="End the schedule there with `parts` or `end` and `remainder: none`, and declare a "
        "correction.",
    ),
    "schedule-amendment": Rule(
        summary="An amendment follows the one before, and fits the schedule.",
        why="Amendments are computed in their order, each on the parts before it.",
        remedy="Correct the amendment, or write a new schedule.",
    ),
    "schedule-override": Rule(
        summary="An override names an existing part by the first day of its period.",
        why="An override without a part changes nothing. An entry that it was to adopt would be "
        "posted a second time.",
        remedy="Write the first day of the period. With segments, add the number of the target: "
        "`2026-01-01.2`.",
    ),
    "allocation-empty": Rule(
        summary="A share of an allocation key is above zero.",
        why="Without one, nothing takes the amount.",
        remedy="Write the share of at least one target.",
    ),
    "allocation-key": Rule(
        summary="The key that a line names exists, and its targets are of one sort.",
        why="Targets with `segments` have an entry each. Targets with fields of lines have a line "
        "each.",
        remedy="Give every target `segments`, or give every target fields of lines.",
    ),
}
