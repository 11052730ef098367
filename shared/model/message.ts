/** What goes into somebody's mailbox, for programs that show HTML and for those that do not. */
export type Mail = { subject: string; text: string; html: string };

/** What goes into a Slack channel: the text is for notifications and screen readers, the blocks are what is shown. */
export type SlackMessage = { text: string; blocks: readonly object[] };
