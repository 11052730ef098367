import { WayOn } from '../shared/model/way-on.ts';

/** Which way an execution goes on from a task: what it returned, or the name of the error that leads elsewhere. */
export async function wayOf(checking: Promise<{ decision: string }>): Promise<string> {
  try {
    return (await checking).decision;
  } catch (error) {
    if (error instanceof WayOn) return error.name;
    throw error;
  }
}
