"""Delivers to the consumers of credentials and records how each fared: acknowledged, not come to, or back and stopped."""

from __future__ import annotations

from collections.abc import Collection

from mycoops.delivery import Requests
from mycoops.model import Stage
from mycoops.rotation.context import Context
from mycoops.rotation.replies import delivered, failed_services, left_out, unsettled

Use = tuple[str, str]
"""A credential, and a service that uses it."""


def give(context: Context, event: str, uses: Collection[Use], requests: Requests) -> None:
    """Deliver to the services of these uses, and record each stage under `event`, the first before anything is done.

    A service that fails goes back to what it had, and stops the credentials it was given. One that its host did not come to
    because of another stays where it is, and can go without that one."""
    for credential, service in uses:
        context.record(event, credential=credential, service=service, stage=str(Stage.SWITCHING))
    services = list(dict.fromkeys(service for _, service in uses))
    answers = context.deliver(requests.for_services(services))
    wrong = failed_services(context, answers, services)
    behind = left_out(context, answers, wrong)
    for credential, service in uses:
        if service not in wrong:
            facts = delivered(answers, service)
            context.record(event, credential=credential, service=service, stage=str(Stage.ACKNOWLEDGED), **facts)
        elif service in behind:
            context.record(event, credential=credential, service=service, stage=str(Stage.STAGED))
        else:
            if not unsettled(context, answers, service):
                context.record(event, credential=credential, service=service, stage=str(Stage.ROLLED_BACK))
            if not context.standing(credential).halted:
                context.block(credential, f"{service}: {wrong[service]}")
