/** How long a mailed code works. */
export const CODE_MINUTES = 10;

/** The mail with a code to log in. It says what to do with it, and holds no link: nothing in it can be followed. */
export function codeMessage(name: string, code: string, consoleUrl: string): { subject: string; text: string } {
  return {
    // Not in the subject, which shows on locked phones.
    subject: 'Your code to log in to Portcullis',
    text: [
      `Hello ${name},`,
      '',
      `Your code to log in to Portcullis: ${code}`,
      '',
      `Type it into the page that you asked for it on, at ${new URL(consoleUrl).host}.`,
      `It works there and nowhere else, once, for ${CODE_MINUTES} minutes.`,
      '',
      'Nobody who runs Portcullis asks you for it. If you did not ask for a code, do nothing; somebody may have mistyped an address.',
    ].join('\n'),
  };
}
