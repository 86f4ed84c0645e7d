import type { ServiceImpl } from '@connectrpc/connect';
import type { ArticleService } from '../../gen/wxmp/article/v1/article_pb.ts';
import type { Context } from '../context.ts';
import { notifyArticleEvent } from './notify-article-event.ts';
import { syncArticles } from './sync-articles.ts';

/** The calls of ArticleService, a file each. */
export function articleService(context: Context): ServiceImpl<typeof ArticleService> {
  return { notifyArticleEvent: notifyArticleEvent(context), syncArticles: syncArticles(context) };
}
