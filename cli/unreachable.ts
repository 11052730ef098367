import { CliError } from './output.ts';

/** An error from the SDK in words that say what to do. */
export function unreachable(error: unknown): CliError {
  const { name, message, code } = error as Error & { code?: string };
  if (name === 'CredentialsProviderError') {
    return new CliError(
      'No AWS credentials were found. Set AWS_PROFILE, log in, or use --local for the runtime on this machine.',
    );
  }
  if (code === 'ECONNREFUSED' || (name === 'AggregateError' && code === 'ECONNREFUSED')) {
    return new CliError(
      `Nothing listens at ${process.env.AWS_ENDPOINT_URL ?? 'the AWS endpoint'}. Start the runtime with "portcullis up".`,
    );
  }
  if (name === 'ResourceNotFoundException') {
    return new CliError(
      "The gate's tables are not there. Is the gate deployed in this account and region? (--local for this machine)",
    );
  }
  // What the SDK throws says which service call it was about; anything else did not come from AWS.
  const fromAws = typeof error === 'object' && error !== null && '$metadata' in error;
  return new CliError(fromAws ? `AWS refused: ${name}: ${message}` : `It could not be done: ${name}: ${message}`);
}
