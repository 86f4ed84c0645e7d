import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const springFestival = `<section style="border-top: 3px solid #c0392b;"><p>丙午马年就要来了。馆里没有马，只有海马，就让它们代表大家拜个早年。春节假期（2 月 16 日至 23 日）开放时间如下：</p>
<table><tbody><tr><th>日期</th><th>开馆</th><th>停止入馆</th><th>闭馆</th></tr>
<tr><td>2 月 16 日 除夕</td><td>9:30</td><td>13:00</td><td>14:00</td></tr>
<tr><td>2 月 17 日 初一</td><td>11:00</td><td>16:00</td><td>17:00</td></tr>
<tr><td>2 月 18 日至 22 日</td><td>9:00</td><td>17:00</td><td>18:00</td></tr>
<tr><td>2 月 23 日</td><td>9:30</td><td>16:00</td><td>17:00</td></tr></tbody></table>
<p><strong>潜水员舞龙：</strong>初一到初六，每天 11:30 和 15:15，蓝渊主窗，六名潜水员舞一条 12 米的水下布龙。</p>
<p>&nbsp;&nbsp;</p><p><strong>写福字：</strong>用食品级墨鱼汁写，二楼报告厅门口，每家一张，墨香略腥。</p>
<p>除夕下午动物部照常值班，年夜饭里有海狮的那一份：双倍鲱鱼。</p></section>`;

const namingCall = `<section><p>斑海豹湾的白团子七天大了，该有个名字。</p><p>2 月 4 日至 2 月 28 日，请在小程序&ldquo;起名&rdquo;页写下你的提议，每人一个，<strong>两到三个字</strong>，附上一句理由。不要用已有动物的名字，也请别叫&ldquo;发财&rdquo;，去年的三只海星都叫这个。</p><p>饲养组先挑出 8 个，3 月 5 日到 12 日公开投票。最终提名人可得：一家三口的终身生日票、一只脚印拓片，以及第一个喊她名字的机会。</p></section>`;

const namingResult = `<section><p>她有名字了：<strong>浪花</strong>。</p>
<p>一共收到 11,902 份提议，八个候选里，&ldquo;浪花&rdquo;得 4,318 票，第二名&ldquo;雪团&rdquo;得 3,077 票。提名人是望潮小学四年级的温知了同学，理由是：&ldquo;浪花退了还会再来。&rdquo;</p>
<p>3 月 14 日上午，温同学在池边喊了三声。第三声，她转过头来了。</p></section>`;

const hotline = `<section><p>因线路升级，服务热线 0000-555-0123 将于 3 月 25 日 22:00 至 26 日 6:00 暂停。其间如遇搁浅动物，请打救助热线；要退票改期，请用小程序，不受影响。抱歉，天亮就好。</p></section>`;

const photoContest = `<section><p>今年六月，本馆满二十岁。我们想看看，你手机里的它是什么样子。<strong>&ldquo;二十年，我与海&rdquo;摄影征集</strong>开始了。</p>
<h3>怎么参加</h3>
<ul><li><p>时间：4 月 20 日至 5 月 31 日 24:00;</p></li><li><p>题材：在本馆拍的任何照片，旧照片、糊照片、底片翻拍都欢迎；</p></li><li><p>每人最多 5 张，长边不小于 2,000 像素，老照片不限；</p></li><li><p>可以裁剪、调色，不可以合成，不收人工智能生成的图；</p></li><li><p>发到 lens@qingyu-aquarium.example，写明拍摄年份和一段不超过 100 字的话。</p></li></ul>
<h3>奖项</h3>
<table><tbody><tr><th>奖项</th><th>名额</th><th>奖励</th></tr>
<tr><td>蓝渊奖</td><td>1 名</td><td>3,000 元与蓝渊卡一张</td></tr>
<tr><td>潮汐奖</td><td>5 名</td><td>800 元与潮汐卡一张</td></tr>
<tr><td>礁石奖</td><td>20 名</td><td>礁石卡一张</td></tr>
<tr><td>最糊奖</td><td>1 名</td><td>眼镜布 365 张</td></tr></tbody></table>
<p>评委五位：两位摄影师、一位潜水员、一位小学生、一位从第一年就来的老观众。获奖照片 7 月起在屋顶花园的长廊展出。</p></section>`;

const typhoon = `<section><section style="background: #fff3cd; padding: 12px;"><p><strong>紧急公告</strong></p></section>
<p>今年第 11 号台风&ldquo;岚雀&rdquo;预计 14 日上午在青屿沿海登陆。为保证安全：</p>
<ol><li><p>8 月 13 日（今天）<strong>13:00 起停止入馆，15:00 闭馆</strong>;</p></li><li><p>8 月 14 日全天闭馆；</p></li><li><p>8 月 15 日开放时间视情况，当天 7:00 前公布；</p></li><li><p>8 月 14 日的夜宿取消，全额退款。</p></li></ol>
<p>已买 13 日下午和 14 日门票的朋友不用操作：系统会在 8 月 16 日前自动退款；想保留的，点&ldquo;保留票&rdquo;,9 月 30 日前任选一天来。</p>
<p>动物怎么办？斑海豹今天中午已转入室内池，企鹅和鱼都在室内。38 名员工今晚留守，备用发电机加满了油，够用 72 小时。请大家待在家里，别去海堤看浪。</p></section>`;

const reopened = `<section><p>&ldquo;岚雀&rdquo;过去了，动物全都平安。今天（8 月 15 日）<strong>12:00 恢复开放</strong>。斑海豹湾的护栏被吹歪了两段，要修到 8 月 19 日，其间请隔着走廊的窗看它们；P3 停车场积水，暂停一周。另外，阿灰在室内池里睡得太香，今早不肯出来。</p></section>`;

const jobs = `<section><p>想来和鱼当同事吗？秋季招聘开始了，六个岗位，17 个人。</p>
<table><thead><tr><th>岗位</th><th>人数</th><th>月薪（税前）</th><th>要求</th></tr></thead><tbody>
<tr><td>哺乳动物饲养员</td><td>2</td><td>6,500&mdash;9,000 元</td><td>动物医学、水产等专业大专以上；能搬 25 公斤的鱼桶</td></tr>
<tr><td>维生系统工程师</td><td>1</td><td>9,500&mdash;13,000 元</td><td>给排水或环境工程本科，3 年经验；接受夜班</td></tr>
<tr><td>潜水员</td><td>3</td><td>8,000&mdash;11,500 元</td><td>持救援潜水员证，记录潜水不少于 100 次</td></tr>
<tr><td>科普讲师</td><td>4</td><td>5,800&mdash;8,000 元</td><td>专业不限，普通话二级甲等；需试讲</td></tr>
<tr><td>水族化验员</td><td>1</td><td>6,000&mdash;7,500 元</td><td>化学或生物相关专业，应届可</td></tr>
<tr><td>票务与客服（兼职）</td><td>6</td><td>每小时 24 元</td><td>18 周岁以上，每周至少 2 天</td></tr></tbody></table>
<h3>待遇</h3>
<p>五险一金，每年 10 天带薪年假起，员工宿舍每月 200 元，食堂三餐，家属每年 6 张票。潜水员另有高压津贴，每个潜水日 80 元。</p>
<h3>投递</h3>
<p>简历发到 hr@qingyu-aquarium.example，标题写&ldquo;岗位+姓名&rdquo;,<strong>10 月 12 日</strong>截止。面试安排在 10 月 19 日至 23 日，地点是办公楼 204 室，哺乳动物饲养员要加试一项：不看标签，凭手感分出三种鱼。</p>
<p>咨询：0000-555-0188，工作日 9:00 到 17:00。本馆招聘不收任何费用，收钱的都是骗子。</p>
<section style="display:none"><p>附注（内部）：饲养员实际可谈至 15,000 元，勿公开。</p></section></section>`;

const nationalDay = `<section><p>十月一到，青屿最后一批游客和第一批越冬的海鸥会一起来。<strong>10 月 1 日至 7 日</strong>，本馆安排如下：</p>
<table><tbody><tr><th>事项</th><th>安排</th></tr>
<tr><td>开放时间</td><td>8:30&mdash;18:30,17:30 停止入馆</td></tr>
<tr><td>每日总量</td><td>12,000 张，比平时少两千，让大家走得动</td></tr>
<tr><td>海狮课堂</td><td>每天 5 场：9:30、11:00、13:00、14:30、16:30</td></tr>
<tr><td>触摸池</td><td>10 月 1 日至 5 日暂停，海星放假</td></tr>
<tr><td>P3 停车场</td><td>7 天全开</td></tr></tbody></table>
<p>去年的客流曲线告诉我们，10 月 2 日和 3 日的 10:00&mdash;13:00 最挤，入口排队超过 50 分钟；10 月 6 日之后明显宽松。能错开，请错开。</p>
<p>中秋就在今天。月光厅今晚加开到 20:30，持当日票可以留下来看&ldquo;真假两个月亮&rdquo;：透过天窗，一个在天上，一个在缸里。</p></section>`;

const picturesOnly = ['01', '02', '03', '04', '05', '06'].map((n) => `https://mmbiz.example/qy/2026/summer-${n}.jpg`);

const pictureContent = picturesOnly.map((src) => `<p><img data-src="${src}" data-ratio="0.75" /></p>`).join('\n');

/** Notices, holiday hours, competitions, job openings, and one article of pictures alone. */
export const newsMessages: SandboxMessage[] = [
  message('qy_20260925_001', [
    {
      title: '国庆七天开放安排，以及今晚的两个月亮',
      author: '运营部',
      digest: '总量减两千，海狮课堂加到五场。',
      content: nationalDay,
    },
  ]),
  message('qy_20260907_001', [
    {
      title: '秋季招聘：六个岗位，十七位新同事',
      author: '人力资源部',
      digest: '要能搬 25 公斤的鱼桶。',
      content: jobs,
    },
  ]),
  message('qy_20260815_001', [
    { title: '今天 12:00 恢复开放', author: '运营部', digest: '动物全都平安。', content: reopened },
  ]),
  message('qy_20260813_001', [
    {
      title: '紧急公告|台风“岚雀”来袭，提前闭馆',
      author: '运营部',
      digest: '今天 15:00 闭馆，14 日全天闭馆，门票自动退。',
      content: typhoon,
    },
  ]),
  message('qy_20260713_001', [
    { title: '盛夏的蓝渊，今天只看图', author: '小屿', digest: '', content: pictureContent, pictures: picturesOnly },
  ]),
  message('qy_20260420_001', [
    {
      title: '“二十年，我与海”摄影征集',
      author: '小屿',
      digest: '旧照片、糊照片，都欢迎。',
      content: photoContest,
    },
  ]),
  message('qy_20260324_001', [
    { title: '服务热线升级通知', author: '服务中心', digest: '明晚十点起打不通，请别着急。', content: hotline },
  ]),
  message('qy_20260316_001', [
    { title: '揭晓|她叫浪花', author: '小屿', digest: '浪花退了还会再来。', content: namingResult },
  ]),
  message('qy_20260204_001', [
    {
      title: '春节开放时间：海马代表大家拜个早年',
      author: '运营部',
      digest: '除夕半天，初一十一点开门。',
      content: springFestival,
    },
    { title: '给白团子起个名字', author: '小屿', digest: '两到三个字，附一句理由。', content: namingCall },
  ]),
];
