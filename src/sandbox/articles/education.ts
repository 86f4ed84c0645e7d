import { message } from './make.ts';
import type { SandboxMessage } from './types.ts';

const school = `<section style="margin: 0 8px;"><p>秋天的研学名额，五月就该订了。青屿海洋馆科普部今年准备了五套课，按年龄分，每一套都要动手，也都要弄湿袖子。</p>
<table><thead><tr><th>学段</th><th>主题</th><th>时长</th><th>每名学生</th><th>每班带走</th></tr></thead><tbody>
<tr><td>幼儿园大班</td><td>海星有几只脚</td><td>1.5 小时</td><td>48 元</td><td>拓印布袋</td></tr>
<tr><td>小学 1&mdash;3 年级</td><td>谁住在礁石上</td><td>2 小时</td><td>58 元</td><td>潮间带剖面纸模型</td></tr>
<tr><td>小学 4&mdash;6 年级</td><td>一滴海水的化验单</td><td>3 小时</td><td>72 元</td><td>自己写的水质报告</td></tr>
<tr><td>初中</td><td>鲨鱼牙里的数学</td><td>3 小时</td><td>85 元</td><td>测量手册</td></tr>
<tr><td>高中</td><td>给 3,200 吨水做一次手术</td><td>4 小时</td><td>96 元</td><td>设备层参观证</td></tr></tbody></table>
<h3>预约</h3>
<ol><li><p>提前 10 个工作日打科普部电话 0000-555-0142,30 人起订，一场最多 120 人；</p></li>
<li><p>每 15 名学生免 1 名带队老师；</p></li>
<li><p>周一到周五 9:30 或 13:30 开课，寒暑假和每月检修日不排课；</p></li><li><p>从东门进，大巴在潮声街落客，别停北门。</p></li></ol>
<h3>经费紧张的学校</h3>
<p>乡村小学和特教学校全免，本馆还有一辆 33 座的&ldquo;海豆号&rdquo;接送车，每学期跑 20 趟，单程 90 公里以内都去。今年上半年已经排到了第 17 趟，想约秋季的请在 7 月 10 日前来信：school@qingyu-aquarium.example。</p>
<p>下雨照常上课。午餐可以订盒饭，每份 20 元，也可以自带，屋顶花园有遮阳的长桌。</p></section>`;

const nightStay = `<section style="margin: 0 8px; line-height: 1.8;">
<p>熄灯以后，蓝渊只剩值班的蓝光。鲨鱼从你头顶游过去，影子落在睡袋上。这是<strong>&ldquo;枕着鲨鱼睡&rdquo;夜宿</strong>，开了十一年，接待过 9,400 多位睡不着的人。</p>
<h3>基本信息</h3>
<table><tbody>
<tr><td>日期</td><td>每周五、周六（台风季视天气取消）</td></tr>
<tr><td>地点</td><td>蓝渊隧道与主窗台阶</td></tr>
<tr><td>人数</td><td>每晚最多 40 人，满 16 人开营</td></tr>
<tr><td>年龄</td><td>5 周岁以上，未满 14 周岁须有大人同住</td></tr>
<tr><td>单人</td><td>468 元</td></tr>
<tr><td>1 大 1 小</td><td>868 元</td></tr>
<tr><td>2 大 1 小</td><td>1,238 元</td></tr>
</tbody></table>
<p>费用含晚餐、早餐、保险和第二天的入馆门票。</p>
<h3>这一夜怎么过</h3>
<table><tbody>
<tr><td>19:30</td><td>东门集合，领睡垫和头灯</td></tr>
<tr><td>20:00</td><td>潮汐食堂晚餐</td></tr>
<tr><td>20:50</td><td>后场：给海龟切菜，看潜水员晒袜子</td></tr>
<tr><td>21:40</td><td>摸黑夜游：鹦嘴鱼的睡袋、出门的龙虾</td></tr>
<tr><td>22:40</td><td>熄灯</td></tr>
<tr><td>次日 6:40</td><td>起床，到海堤看日出（雨天改看企鹅扫雪）</td></tr>
<tr><td>次日 7:30</td><td>早餐，发&ldquo;守夜人&rdquo;徽章，8:40 结营</td></tr>
</tbody></table>
<h3>请带上</h3>
<ul><li><p>自己的睡袋，没有的话租一个 30 元；</p></li><li><p>长袖，隧道夜里 21 &deg;C;</p></li><li><p>洗漱用品，馆里没有淋浴；</p></li><li><p>耳塞，因为总有人打呼，而且往往是爸爸。</p></li></ul>
<p>&nbsp;</p>
<h3>请不要带</h3>
<p>零食、宠物、强光手电和恐怖故事。</p>
<p>报名在小程序&ldquo;夜宿&rdquo;页，每月 20 日 10:00 放下个月的名额。开营前 3 天可以全退，3 天以内退一半，当天不退。咨询电话 0000-555-0142，找&ldquo;夜宿小组&rdquo;。</p></section>`;

const volunteers = `<section><p>去年有 118 位志愿者在馆里一共站了 9,632 个小时。他们当中有退休的中学老师，有大二学生，有一位白天开出租、周末来给孩子讲藤壶的师傅。<strong>2026 年春季志愿者</strong>今天开始招募。</p>
<h3>招什么人</h3>
<table><thead><tr><th>岗位</th><th>人数</th><th>做什么</th><th>要求</th></tr></thead><tbody>
<tr><td>触摸池引导</td><td>24 人</td><td>教孩子&ldquo;两根手指&rdquo;</td><td>耐心，蹲得下去</td></tr>
<tr><td>展厅讲解</td><td>20 人</td><td>每天三场定点讲解</td><td>通过试讲</td></tr>
<tr><td>无障碍陪同</td><td>8 人</td><td>陪视障、听障观众参观</td><td>会手语者优先</td></tr>
<tr><td>标本室助理</td><td>4 人</td><td>整理骨骼和贝壳标签</td><td>手稳，字好看</td></tr>
<tr><td>摄影记录</td><td>4 人</td><td>拍活动，不拍自己</td><td>自备相机</td></tr></tbody></table>
<p>年龄 18 到 68 周岁，能保证半年服务满 <strong>48 小时</strong>，每次至少 4 小时。动物后场不设志愿者岗位，喂企鹅的愿望请转化成好好讲企鹅。</p>
<h3>流程</h3>
<ol><li><p>3 月 1 日至 20 日在小程序&ldquo;志愿者&rdquo;页报名；</p></li><li><p>3 月 28 日面试，带一样你喜欢的海里来的东西，讲三分钟；</p></li>
<li><p>4 月 4 日、11 日、18 日三次培训，缺一次就要等下一期；</p></li><li><p>4 月 25 日上岗。</p></li></ol>
<h3>我们给什么</h3>
<ul><li><p>当班午餐一份，交通补贴每次 20 元；</p></li><li><p>一件深蓝色马甲和刻着名字的木鱼胸牌；</p></li><li><p>服务满 48 小时，送家人门票 4 张；满 200 小时，名字刻上东门的&ldquo;志愿者礁石&rdquo;，现在上面有 63 个名字。</p></li></ul>
<p>秋季班 9 月再招一次。</p></section>`;

/** School trips, the night stay, and the volunteer programme. */
export const educationMessages: SandboxMessage[] = [
  message('qy_20260706_001', [
    {
      title: '枕着鲨鱼睡：夜宿报名与须知',
      author: '科普部',
      digest: '熄灯以后的蓝渊，只剩值班的蓝光。',
      content: nightStay,
    },
  ]),
  message('qy_20260514_001', [
    {
      title: '2026 秋季研学课表：五套课，都会弄湿袖子',
      author: '科普部',
      digest: '从幼儿园到高中，30 人起订。',
      content: school,
    },
  ]),
  message('qy_20260224_001', [
    {
      title: '招 60 位志愿者：来教孩子用两根手指',
      author: '科普部',
      digest: '春季志愿者 3 月 1 日起报名。',
      content: volunteers,
    },
  ]),
];
