/**
 * Errors by which a task sends its execution another way than most changes go: `Catch` in the state machine knows their
 * names. Nothing is wrong, and what goes the usual way enters no state more for it (docs/adr/0035-ways-on.md).
 */
export abstract class WayOn extends Error {}

/** People have to be asked. */
export class ApprovalNeededError extends WayOn {
  override readonly name = 'ApprovalNeededError';
}
/** It may not stand, and is to be put back, or a way back proposed. */
export class RefusedError extends WayOn {
  override readonly name = 'RefusedError';
}
/** It may not stand, and there is nothing to put back. */
export class BlockedError extends WayOn {
  override readonly name = 'BlockedError';
}
/** There is no endpoint any more that could be decided about. */
export class GoneError extends WayOn {
  override readonly name = 'GoneError';
}
/** It is about the same deployment as an open change, whose execution decides. */
export class JoinedError extends WayOn {
  override readonly name = 'JoinedError';
}
/** It runs what was accepted in prod and has lost guards: approvers are to be told of that first. */
export class GuardsDownError extends WayOn {
  override readonly name = 'GuardsDownError';
}
/** Putting it back is proposed, or over, and approvers are to be told. */
export class NewsError extends WayOn {
  override readonly name = 'NewsError';
}
/** It replaced a request whose execution still waits, and is to be told so first. */
export class ReplacesRequestError extends WayOn {
  override readonly name = 'ReplacesRequestError';
}
