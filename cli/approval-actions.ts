import type { ApprovalAnswer } from '../shared/model/ledger-record.ts';
import { loadRequest } from './approvals.ts';
import { servicesFor } from './context.ts';
import { type ActOptions, type ApiReply, actOn, askForCode } from './gate-request.ts';
import { CliError, EXIT, json, type Output, visible } from './output.ts';

const finalLine = ({ answer, approvers, reason }: NonNullable<ApiReply['final']>) =>
  `It was already ${answer} by ${approvers.join(', ') || 'nobody'}: ${visible(reason)}`;

/** Says what became of it. 0: on record; 1: refused, or decided otherwise; 2: the gate could not be asked. */
export function conclude(
  { status, body }: { status: number; body: ApiReply },
  recorded: (body: ApiReply) => string,
  { json: asJson }: ActOptions,
  output: Output,
): number {
  const fine = body.reply === 'recorded' || body.reply === 'already-recorded';
  if (asJson) output.out(json(body));
  else if (fine) output.out(recorded(body));
  else if (body.reply === 'already-decided' && body.final) output.err(finalLine(body.final));
  else {
    const fields = (body.mistakes ?? []).map(({ field, wanted }) => `\n  ${field}: ${wanted}`).join('');
    output.err(`Not recorded: ${visible(body.reason ?? body.error ?? 'no reason was given')}${fields}`);
  }
  if (fine) return EXIT.fine;
  return status >= 500 || status === 404 ? EXIT.couldNotCheck : EXIT.violations;
}

/** `approvals code --as PERSON`: has a code mailed, for commands that cannot wait for it to be typed. */
export async function approvalsCode(options: ActOptions, output: Output): Promise<number> {
  if (options.as === undefined) throw new CliError('Say whose code it is to be: --as PERSON.', EXIT.usage);
  const login = await askForCode(options, servicesFor(options));
  if (options.json) output.out(json({ login }));
  else {
    output.out(`If ${options.as} is an approver, a code is in their mailbox. It is good for ten minutes, once.`);
    output.out(`Use it with: --as ${options.as} --login ${login} --code CODE`);
  }
  return EXIT.fine;
}

/** `approvals approve|reject ID`. */
export async function approvalsAnswer(
  id: string,
  answer: ApprovalAnswer,
  options: ActOptions & { reason: string; breakGlass?: boolean },
  output: Output,
): Promise<number> {
  const services = servicesFor(options);
  const { digest } = (await loadRequest(services, id)).request;
  const given = { answer, reason: options.reason, digest, ...(options.breakGlass && { breakGlass: true }) };
  const told = ({ final }: ApiReply) =>
    final ? `Recorded: ${final.answer} by ${final.approvers.join(', ')}.` : 'Recorded. It needs more approvals.';
  return conclude(await actOn(id, 'answer', given, options, services), told, options, output);
}

/** `approvals comment ID TEXT`. */
export async function approvalsComment(id: string, text: string, options: ActOptions, output: Output): Promise<number> {
  const result = await actOn(id, 'comment', { text }, options, servicesFor(options));
  return conclude(result, () => 'Recorded.', options, output);
}

/** `approvals withdraw ID`: only by whoever made the change. */
export async function approvalsWithdraw(
  id: string,
  options: ActOptions & { reason: string },
  output: Output,
): Promise<number> {
  const result = await actOn(id, 'withdraw', { reason: options.reason }, options, servicesFor(options));
  return conclude(result, () => 'Recorded: withdrawn. Nobody is asked any more.', options, output);
}

/** `approvals again ID`: after it expired, was superseded or withdrawn. */
export async function approvalsAgain(id: string, options: ActOptions, output: Output): Promise<number> {
  const result = await actOn(id, 'again', {}, options, servicesFor(options));
  const told = ({ endpoint, generation }: ApiReply) =>
    `People are being asked again: change ${generation} of ${endpoint?.name}. "approvals list" will show the request.`;
  return conclude(result, told, options, output);
}

/** `approvals review ID`: what a second person found about an approval by broken glass. */
export async function approvalsReview(
  id: string,
  options: ActOptions & { finding: string; reason: string },
  output: Output,
): Promise<number> {
  const { finding, reason } = options;
  const result = await actOn(id, 'review', { finding, reason }, options, servicesFor(options));
  return conclude(result, () => `Recorded: ${finding}. The review is closed.`, options, output);
}
