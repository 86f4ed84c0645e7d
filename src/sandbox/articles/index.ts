import { animalMessages } from './animals.ts';
import { conservationMessages } from './conservation.ts';
import { educationMessages } from './education.ts';
import { faqMessages } from './faq.ts';
import { hallPairMessages } from './hall-pairs.ts';
import { hallMessages } from './halls.ts';
import { newsMessages } from './news.ts';
import { peopleMessages } from './people.ts';
import { serviceMessages } from './services.ts';
import { ticketMessages } from './tickets.ts';
import type { SandboxMessage } from './types.ts';
import { visitingMessages } from './visiting.ts';

export { sampleQuestions } from './sample-questions.ts';
export type { SampleQuestion, SandboxItem, SandboxMessage } from './types.ts';

/** The name of the sandbox's Official Account. The aquarium, its city and everything in its articles are invented. */
export const accountName = '青屿海洋馆';

/** Every publish message of the sandbox account, newest first. */
export const sandboxMessages: SandboxMessage[] = [
  ...ticketMessages,
  ...visitingMessages,
  ...serviceMessages,
  ...faqMessages,
  ...hallMessages,
  ...hallPairMessages,
  ...animalMessages,
  ...educationMessages,
  ...conservationMessages,
  ...newsMessages,
  ...peopleMessages,
].sort((a, b) => b.createTime - a.createTime);
