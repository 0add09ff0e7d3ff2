"""The rules of differences that no change answers, which `explain` prints."""

from collections.abc import Mapping

from reconciler.core.model.finding import Rule

DIFFERENCE_RULES: Mapping[str, Rule] = {
    "cancelled-in-part": Rule(
        summary="The entries of a journal run are all posted, or the run is cancelled.",
        why="No call posts an entry of a run again. Another run includes its transactions.",
        remedy="Declare the run that takes its place, and apply it. Then acknowledge the entries "
        "that are cancelled or gone in the metadata of the run's file.",
    ),
    "marker-lost": Rule(
        summary="A live entry carries the marker of its declaration.",
        why="The marker proves ownership: without it the entry can be neither changed nor found.",
        remedy="Check {0} in the ledger. If it belongs to this declaration, write its marker "
        "there, or empty the field and apply.",
    ),
    "transfer-error": Rule(
        summary="No transfer to the general ledger has failed.",
        why="An entry whose transfer failed is missing in the general ledger. Nothing else says "
        "so.",
        remedy="Correct the cause in the connector, and set the transfer state of {0} to `No`, "
        "so that it is sent again.",
    ),
    "transfer-reset": Rule(
        summary="An entry that was transferred stays transferred.",
        why="The entry may be in the general ledger already, and a second transfer would post it "
        "twice.",
        remedy="Set the transfer state of {0} to `Yes` in the ledger if it is in the general "
        "ledger. Otherwise write the live state into the file.",
    ),
    "reversal-alone": Rule(
        summary="The original of a posted reversal is posted.",
        why="Without the original, the reversal posts amounts that nothing cancels out.",
        remedy="Remove {0} from its file: apply cancels the reversal. If it is transferred, "
        "remove `reverses` from it, and declare an entry with the lines of the original.",
    ),
    "changed-in-ledger": Rule(
        summary="The ledger holds what was applied.",
        why="The entry changed in the ledger, and no call puts it back.",
        remedy="Restore {0} in the ledger, or write what it holds into the file. To give it up, "
        "remove the file and run `reconciler forget` with the name.",
    ),
}
