import type { RequestAction } from './links.ts';
import type { LoginWay } from './login-page.ts';

/** Who looks at a request, and what the page therefore offers. What is offered is not what is allowed: see `decide`. */
export type Visitor =
  | {
      kind: 'nobody';
      login: LoginWay;
      /** Where to go after logging in: this page. */
      next: string;
      /** Whose mail the link came from. */
      addressee?: string | undefined;
    }
  | {
      kind: 'approver';
      id: string;
      name: string;
      /** What each form carries to show that it is of this session and about what the page shows. */
      tokens: Readonly<Record<RequestAction, string>>;
      isRequester: boolean;
      mayBreakGlass: boolean;
      /** After nobody has said no: whether asking anew would be taken now. */
      mayAskAgain: boolean;
    };
