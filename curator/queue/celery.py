"""The Celery application, and sending by name, so that whoever asks for work need not import it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import Celery

from curator.queue.work import Work

log = logging.getLogger(__name__)

_ASKS_FOR_S = 0.2
"""So long the broker may keep the question for work, which it answers at once when there is some."""


def celery_app(broker_url: str) -> Celery:
    """Tasks are idempotent and acknowledged late: delivered twice does no harm, delivered never is swept up."""
    app = Celery("curator", broker=broker_url)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue="curator",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": 300,
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            # A worker that is told to stop ends once the question whether there is work has been answered.
            "polling_interval": _ASKS_FOR_S,
        },
    )
    return app


class Sender:
    """Wakes workers. That a message is lost is no harm: the sweep sends it again."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, works: Iterable[Work]) -> None:
        for work in works:
            try:
                self._app.send_task(work.task, args=[work.id], retry=False)
            except Exception as error:
                # Each broker's client has errors of its own.
                log.warning("the broker cannot be reached (%s); the sweep will send work %d again", error, work.id)
                return
