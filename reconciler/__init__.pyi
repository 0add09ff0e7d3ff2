from reconciler.app.library import make_plan as make_plan
from reconciler.app.library import read_plan as read_plan
from reconciler.app.library import read_workspace as read_workspace
from reconciler.app.workspace import CheckedWorkspace as CheckedWorkspace
from reconciler.core.model.finding import Problem as Problem
from reconciler.core.model.finding import Severity as Severity
from reconciler.core.model.plan import Action as Action
from reconciler.core.model.plan import Change as Change
from reconciler.core.model.plan import Plan as Plan
from reconciler.errors import FilesRefused as FilesRefused
from reconciler.errors import ReconcilerError as ReconcilerError
from reconciler.errors import StalePlan as StalePlan
from reconciler.errors import UsageError as UsageError
from reconciler.render import render_plan as render_plan

__version__: str
